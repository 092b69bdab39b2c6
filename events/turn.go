package events

import "github.com/google/uuid"

// TurnStream is the stream of one turn: of one agent's dealing with one message.
func TurnStream(id uuid.UUID) StreamID { return Stream("turn", id) }

// TurnID identifies one agent's dealing with one message.
func TurnID(message, agent uuid.UUID) uuid.UUID {
	return Derive(message, "turn", agent.String())
}

// ReplyID is the id of the one answer that an agent gives to a message.
func ReplyID(message, agent uuid.UUID) uuid.UUID {
	return Derive(message, "reply", agent.String())
}

// How a turn ended.
const (
	TurnReplied = "replied" // ReplyID names the answer
	TurnIgnored = "ignored" // the agent had nothing to say, or was not meant
	TurnFailed  = "failed"  // the model could not be brought to answer
	TurnClosed  = "closed"  // a client declared the turn of its own agent complete
	TurnCutOff  = "aborted" // somebody no longer wanted it: see TurnAborted
)

var turnEvents = []Event{TurnAborted{}, TurnCompleted{}}

// TurnAborted: somebody does not want an agent's answer to a message any more. Whoever is at it leaves off, and whoever
// comes to it does not begin; either ends the turn with a TurnCompleted.
type TurnAborted struct {
	TurnID    uuid.UUID `json:"turnId"`
	ChannelID uuid.UUID `json:"channelId"`
	ServerID  uuid.UUID `json:"serverId"`
	AgentID   uuid.UUID `json:"agentId"`
	MessageID uuid.UUID `json:"messageId"` // the message that was to be answered
}

// EventType implements Event.
func (TurnAborted) EventType() string { return "TurnAborted" }

// TurnCompleted: an agent is done with a message. Clients learn of it as messageComplete.
type TurnCompleted struct {
	TurnID    uuid.UUID `json:"turnId"`
	ChannelID uuid.UUID `json:"channelId"`
	ServerID  uuid.UUID `json:"serverId"`
	AgentID   uuid.UUID `json:"agentId,omitzero"`
	MessageID uuid.UUID `json:"messageId,omitzero"` // the message answered
	ReplyID   uuid.UUID `json:"replyId,omitzero"`
	Outcome   string    `json:"outcome"`
	// Reason says why a turn failed or was ignored, in words that name no personal text.
	Reason           string `json:"reason,omitempty"`
	Model            string `json:"model,omitempty"`
	PromptTokens     int    `json:"promptTokens,omitempty"`
	CompletionTokens int    `json:"completionTokens,omitempty"`
	DurationMillis   int64  `json:"durationMs,omitempty"`
	// Memories are what the model was shown of what the agent remembers; Unremembered tells that it could not be searched.
	Memories     []MemoryUse `json:"memories,omitempty"`
	Unremembered bool        `json:"unremembered,omitempty"`
}

// MemoryUse is a memory that a model was shown, and how well it was thought to fit.
type MemoryUse struct {
	MemoryID uuid.UUID `json:"memoryId"`
	Score    float64   `json:"score"`
}

// EventType implements Event.
func (TurnCompleted) EventType() string { return "TurnCompleted" }
