package socketio

import (
	"encoding/json"
	"log/slog"

	"github.com/zishang520/socket.io/parsers/engine/v3/packet"
	"github.com/zishang520/socket.io/v3/pkg/types"
)

// frame is an event on its way to clients, encoded once for all of them.
type frame struct {
	text []byte                // of Socket.IO
	pre  types.BufferInterface // the same as a frame of a WebSocket
}

func (h *Hub) frame(event string, payload any) frame {
	text, err := json.Marshal([]any{event, payload})
	if err != nil { // everything that is said was JSON, or is a struct of this package
		h.Logger.Error("what clients are told could not be encoded", "event", event, "error", err)
		text, _ = json.Marshal([]any{event})
	}
	return encoded(text)
}

// encoded is an event, marked as one, in a message of the transport, marked as one.
func encoded(text []byte) frame {
	whole := append([]byte("42"), text...)
	return frame{text: whole[1:], pre: types.NewStringBuffer(whole)}
}

// write sends a frame as far as the connection stands, without waiting for it.
func (c *connection) write(f frame) {
	c.engine.Write(types.NewStringBuffer(f.text), &packet.Options{WsPreEncodedFrame: f.pre}, nil)
}

// tell sends one client an event.
func (c *connection) tell(event string, payload any) { c.write(c.hub.frame(event, payload)) }

// log says who a line is about as the recorded server does: by the id of the socket.
func (c *connection) log(text string, args ...any) {
	c.hub.Logger.Log(c.hub.ctx, slog.LevelInfo, "[SocketIO "+string(c.socket.Id())+"] "+text, args...)
}
