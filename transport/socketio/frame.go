package socketio

import (
	"encoding/binary"
	"encoding/json"
	"log/slog"

	"github.com/zishang520/socket.io/servers/engine/v3/transports"
	"github.com/zishang520/socket.io/v3/pkg/types"
)

// frame is an event on its way to clients, encoded once for all of them.
type frame struct {
	packet []byte // as the library takes it, for any transport
	wire   []byte // as a WebSocket carries it
}

func (h *Hub) frame(event string, payload any) frame {
	text, err := json.Marshal([]any{event, payload})
	if err != nil { // everything that is said was JSON, or is a struct of this package
		h.Logger.Error("what clients are told could not be encoded", "event", event, "error", err)
		text, _ = json.Marshal([]any{event})
	}
	wire := append(textHead(len("42")+len(text)), "42"...) // a message of Engine.IO, an event of Socket.IO
	packet := len(wire) - len("2")
	wire = append(wire, text...)
	return frame{packet: wire[packet:], wire: wire}
}

// textHead begins a text of so many bytes from a server, in one piece (RFC 6455, 5.2).
func textHead(size int) []byte {
	const finalText = 0x81
	switch {
	case size < 126:
		return []byte{finalText, byte(size)}
	case size < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{finalText, 126}, uint16(size))
	default:
		return binary.BigEndian.AppendUint64([]byte{finalText, 127}, uint64(size))
	}
}

// write sends frames as far as the connection stands, without waiting for it. The library takes each packet through its
// queues, which costs more than all the rest; so a WebSocket on which it has nothing to say is written to without it.
func (c *connection) write(frames ...frame) {
	c.out.Lock()
	defer c.out.Unlock()
	if line := c.idle(); line != nil {
		if line.put(frames) > maxWaiting {
			c.cannotKeepUp()
		}
		return
	}
	for _, f := range frames {
		c.engine.Write(types.NewStringBuffer(f.packet), nil, nil)
	}
}

// idle is the connection's WebSocket where nothing waits in the library that would have to go first, otherwise nil. What the
// library says of its own accord (pings) is short, goes out in one piece, and has no order among events.
func (c *connection) idle() *gathering {
	t := c.engine.Transport()
	// In this order: what does not wait any more makes the transport busy until it is written.
	if t.Name() != transports.WEBSOCKET || c.waiting.Load() > 0 || !t.Writable() || c.engine.ReadyState() != "open" {
		return nil
	}
	return c.line.Load()
}

// behind is how much waits to be written, in bytes.
func (c *connection) behind() int64 {
	size := c.waiting.Load()
	if line := c.line.Load(); line != nil {
		size += line.size()
	}
	return size
}

// tell sends one client an event.
func (c *connection) tell(event string, payload any) { c.write(c.hub.frame(event, payload)) }

// log says who a line is about as the recorded server does: by the id of the socket.
func (c *connection) log(text string, args ...any) {
	c.hub.Logger.Log(c.hub.ctx, slog.LevelInfo, "[SocketIO "+string(c.socket.Id())+"] "+text, args...)
}
