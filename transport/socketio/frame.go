package socketio

import (
	"encoding/json"
	"log/slog"

	"github.com/zishang520/socket.io/v3/pkg/types"
)

// frame is an event on its way to clients, encoded once for all of them. The library could take it as a prepared frame of a
// WebSocket as well, but prepares it anew for each client, which costs more than it saves.
type frame []byte

func (h *Hub) frame(event string, payload any) frame {
	text, err := json.Marshal([]any{event, payload})
	if err != nil { // everything that is said was JSON, or is a struct of this package
		h.Logger.Error("what clients are told could not be encoded", "event", event, "error", err)
		text, _ = json.Marshal([]any{event})
	}
	return append([]byte("2"), text...) // the type of an event
}

// write sends a frame as far as the connection stands, without waiting for it.
func (c *connection) write(f frame) { c.engine.Write(types.NewStringBuffer(f), nil, nil) }

// tell sends one client an event.
func (c *connection) tell(event string, payload any) { c.write(c.hub.frame(event, payload)) }

// log says who a line is about as the recorded server does: by the id of the socket.
func (c *connection) log(text string, args ...any) {
	c.hub.Logger.Log(c.hub.ctx, slog.LevelInfo, "[SocketIO "+string(c.socket.Id())+"] "+text, args...)
}
