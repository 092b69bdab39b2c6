package socketio

import (
	"github.com/google/uuid"

	"annals/events"
)

// keepsUp bounds what may wait for a client that is still shown answers while they come into being, in bytes.
const keepsUp = 256 << 10

// Stream shows a piece of an answer to those who joined its channel and keep up: who is behind does without it.
func (h *Hub) Stream(c events.Chunk) {
	members := h.members(c.ChannelID.String())
	if len(members) == 0 {
		return
	}
	f := h.frame("messageStreamChunk", struct {
		events.Chunk
		RoomID uuid.UUID `json:"roomId"`
	}{c, c.ChannelID})
	for _, m := range members {
		if m.Behind() < keepsUp {
			m.Write(f)
		}
	}
}
