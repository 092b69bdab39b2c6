package node

import (
	"annals/commands/reactions"
	"annals/transport/live"
	"annals/transport/socketio"
)

// streaming shows answers while they come into being to whoever is connected here. Clients of other nodes hear them when
// they are finished.
func streaming(hub *live.Hub, rooms *socketio.Hub) func(reactions.Chunk) {
	return func(c reactions.Chunk) {
		hub.Stream(live.Chunk(c))
		rooms.Stream(socketio.Chunk(c))
	}
}
