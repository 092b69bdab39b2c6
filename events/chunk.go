package events

import "github.com/google/uuid"

// Chunk is a piece of an answer that an agent is giving. It is no event: it is shown while the answer comes into being and then
// forgotten, has no position, is not sent again, and counts no more once the answer can be read.
type Chunk struct {
	MessageID uuid.UUID `json:"messageId"` // that the answer will have
	ChannelID uuid.UUID `json:"channelId"`
	ServerID  uuid.UUID `json:"serverId"`
	AgentID   uuid.UUID `json:"agentId"`
	InReplyTo uuid.UUID `json:"inReplyTo"` // the message that is answered
	// Attempt grows from one attempt at the answer to the next, also when another node makes it; chunks of an earlier one
	// count no more. It is the time at which the attempt began, in milliseconds.
	Attempt int64  `json:"attempt"`
	Index   int    `json:"index"` // in the attempt, from 0
	Text    string `json:"chunk"`
}
