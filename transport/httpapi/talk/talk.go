// Package talk is what a client posts and hears back, in the form of ElizaOS: channels, sessions and jobs share it. Package messaging
// does the posting and the waiting.
package talk

import (
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"annals/queries"
	"annals/transport/httpapi/example"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// BusMessage is a message as the recorded servers answer its POST (CONTRACT 2.6, CONTRACT-1.7 4.3).
type BusMessage struct {
	ID              uuid.UUID       `json:"id"`
	ChannelID       uuid.UUID       `json:"channel_id"`
	MessageServerID uuid.UUID       `json:"message_server_id"`
	ServerID        uuid.UUID       `json:"server_id" doc:"The same, as ElizaOS 1.2.0 calls it."`
	AuthorID        uuid.UUID       `json:"author_id"`
	Content         string          `json:"content"`
	CreatedAt       queries.Millis  `json:"created_at"`
	SourceType      string          `json:"source_type"`
	SourceID        string          `json:"source_id,omitempty"`
	RawMessage      json.RawMessage `json:"raw_message,omitempty"`
	Metadata        json.RawMessage `json:"metadata,omitempty"`
	AuthorName      string          `json:"author_display_name,omitempty"`
	InReplyTo       *uuid.UUID      `json:"in_reply_to_message_id,omitempty"`
}

// AgentResponse is the answer of an agent as ElizaOS 1.7.2 gives it over http and sse.
type AgentResponse struct {
	Thought    string    `json:"thought"`
	Actions    []string  `json:"actions"`
	Providers  []string  `json:"providers"`
	Text       string    `json:"text"`
	Simple     bool      `json:"simple"`
	ResponseID uuid.UUID `json:"responseId"`
	InReplyTo  uuid.UUID `json:"inReplyTo"`
}

// Posted is a message that was posted, and the agent's answer where the client waited for it.
type Posted struct {
	UserMessage   BusMessage     `json:"userMessage"`
	AgentResponse *AgentResponse `json:"agentResponse,omitempty"`
}

// Transport is the way on which a client wants the answer to its message.
type Transport int

// OverSocket is the way of a client that names none.
const (
	OverSocket Transport = iota // over the sockets
	OverHTTP                    // with the answer to the request
	OverSSE                     // as server-sent events
)

// transports are the ways by their names, those that clients used before included.
var transports = map[string]Transport{"": OverSocket, "websocket": OverSocket, "http": OverHTTP, "sync": OverHTTP, "sse": OverSSE, "stream": OverSSE}

// TransportNames is the way as a body names it.
type TransportNames struct {
	Transport TransportName `json:"transport" doc:"http: the answer of the agent is part of the answer to the request. sse: it is streamed. websocket, or nothing: it comes over the sockets alone."`
	Mode      TransportName `json:"mode" doc:"An older name for transport, with the values sync, stream and websocket."`
}

// Way is the transport that is named.
func (n TransportNames) Way() (Transport, error) {
	named := n.Transport
	if named == (TransportName{}) {
		named = n.Mode
	}
	way, ok := transports[named.text]
	switch {
	case named.typ != "":
		return way, problem.Invalid("Invalid transport type %q. Transport must be a string.", named.typ)
	case !ok:
		return way, problem.Invalid("Invalid transport %.60q. Must be one of: http, sse, websocket, sync, stream", named.text)
	}
	return way, nil
}

// TransportName is the name of a way. What is no text is kept by its type, as JavaScript calls that: it is refused before anything else.
type TransportName struct{ text, typ string }

// UnmarshalJSON implements json.Unmarshaler.
func (n *TransportName) UnmarshalJSON(b []byte) error {
	switch b[0] {
	case '"':
		return json.Unmarshal(b, &n.text)
	case 'n': // null is no name
	case 't', 'f':
		n.typ = "boolean"
	case '{', '[':
		n.typ = "object"
	default:
		n.typ = "number"
	}
	return nil
}

// Schema implements huma.SchemaProvider.
func (TransportName) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: huma.TypeString} }

// Events of a streamed answer.
type (
	StreamedChunk struct {
		MessageID uuid.UUID `json:"messageId"`
		Chunk     string    `json:"chunk"`
		Index     int       `json:"index"`
	}
	StreamedError struct {
		Error string `json:"error"`
	}
)

// Examples.
var (
	ABusMessage = BusMessage{
		ID: example.Message, ChannelID: example.Channel, MessageServerID: example.Server, ServerID: example.Server, AuthorID: example.User, Content: "I feel at home here.",
		CreatedAt: example.Millis, SourceType: "eliza_gui",
	}
	AResponse = AgentResponse{
		Thought: "She speaks of home.", Actions: []string{"REPLY"}, Providers: []string{}, Text: "Do you often feel at home?", Simple: true,
		ResponseID: example.Reply, InReplyTo: example.Message,
	}
	Streamed = []frame.StreamKind{
		{Name: "user_message", Data: ABusMessage},
		{Name: "chunk", Data: StreamedChunk{MessageID: example.Reply, Chunk: "Do you often"}},
		{Name: "done", Data: AResponse},
		{Name: "error", Data: StreamedError{"The answer was aborted"}},
	}
)
