package socketio

import "github.com/google/uuid"

// keepsUp bounds what may wait for a client that is still shown answers while they come into being, in bytes.
const keepsUp = 256 << 10

// Chunk is a piece of an answer that is coming into being. It is shown and forgotten: the message itself is broadcast when
// it can be read. Clients of 1.2.0 do not listen to it.
type Chunk struct {
	MessageID uuid.UUID `json:"messageId"` // that the answer will have
	ChannelID uuid.UUID `json:"channelId"`
	ServerID  uuid.UUID `json:"serverId"`
	AgentID   uuid.UUID `json:"agentId"`
	InReplyTo uuid.UUID `json:"inReplyTo"`
	// Attempt grows when the answer is begun anew; Index counts the chunks of an attempt, from 0.
	Attempt int64  `json:"attempt"`
	Index   int    `json:"index"`
	Text    string `json:"chunk"`
}

// Stream shows a piece of an answer to those who joined its channel and keep up: who is behind does without it.
func (h *Hub) Stream(c Chunk) {
	members := h.members(c.ChannelID.String())
	if len(members) == 0 {
		return
	}
	f := h.frame("messageStreamChunk", struct {
		Chunk
		RoomID uuid.UUID `json:"roomId"`
	}{c, c.ChannelID})
	for _, m := range members {
		if m.Behind() < keepsUp {
			m.Write(f)
		}
	}
}
