package carrier

import (
	"encoding/binary"
	"encoding/json"

	"github.com/zishang520/socket.io/servers/engine/v3/transports"
	"github.com/zishang520/socket.io/servers/socket/v3"
	"github.com/zishang520/socket.io/v3/pkg/types"
)

// Frame is an event on its way to clients, encoded once for all of them.
type Frame struct {
	packet []byte // as the library takes it, for any transport
	wire   []byte // as a WebSocket carries it
}

// Encode makes a frame of an event.
func Encode(event string, payload any) (Frame, error) {
	text, err := json.Marshal([]any{event, payload})
	if err != nil {
		return Frame{}, err
	}
	wire := append(textHead(len("42")+len(text)), "42"...) // a message of Engine.IO, an event of Socket.IO
	packet := len(wire) - len("2")
	wire = append(wire, text...)
	return Frame{packet: wire[packet:], wire: wire}, nil
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

// Write sends frames as far as the connection stands, without waiting for it. The library takes each packet through its
// queues, which costs more than all the rest; so a WebSocket on which it has nothing to say is written to without it.
func (s *Session) Write(frames ...Frame) {
	s.out.Lock()
	defer s.out.Unlock()
	if line := s.idle(); line != nil {
		if line.put(frames) > maxWaiting.Value {
			s.cannotKeepUp()
		}
		s.server.weigh(s)
		return
	}
	for _, f := range frames {
		s.engine.Write(types.NewStringBuffer(f.packet), nil, nil)
	}
}

// idle is the connection's WebSocket where nothing waits in the library that would have to go first, otherwise nil. What the
// library says of its own accord (pings) is short, goes out in one piece, and has no order among events.
func (s *Session) idle() *coalescingConn {
	t := s.engine.Transport()
	// In this order: what does not wait any more makes the transport busy until it is written.
	if t.Name() != transports.WEBSOCKET || s.waiting.Load() > 0 || !t.Writable() || s.engine.ReadyState() != "open" {
		return nil
	}
	return s.line.Load()
}

// Behind is how much waits to be written, in bytes.
func (s *Session) Behind() int64 {
	size := s.waiting.Load()
	if line := s.line.Load(); line != nil {
		size += line.size()
	}
	return size
}

// Acknowledge answers an event of the client, in its order among the packets for the client.
func (s *Session) Acknowledge(ack socket.Ack, payload any) {
	s.out.Lock()
	defer s.out.Unlock()
	ack([]any{payload}, nil)
}
