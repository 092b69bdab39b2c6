package socketio

import (
	"log/slog"

	"annals/transport/socketio/carrier"
)

// frame encodes an event once for all clients.
func (h *Hub) frame(event string, payload any) carrier.Frame {
	f, err := carrier.Encode(event, payload)
	if err != nil { // everything that is said was JSON, or is a struct of this package
		h.Logger.Error("what clients are told could not be encoded", "event", event, "error", err)
		f, _ = carrier.Encode(event, nil)
	}
	return f
}

// tell sends one client an event.
func (c *connection) tell(event string, payload any) { c.Write(c.hub.frame(event, payload)) }

// log names the client of a line by the id of its socket, as the recorded server does.
func (c *connection) log(text string, args ...any) {
	c.hub.Logger.Log(c.hub.ctx, slog.LevelInfo, "[SocketIO "+string(c.socket.Id())+"] "+text, args...)
}
