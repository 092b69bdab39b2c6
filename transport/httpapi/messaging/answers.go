package messaging

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// Answers is what agents have said so far of the answers that they are giving at the moment.
type Answers interface {
	// Watch wakes the caller whenever there is more of an answer to a message, and when an agent is done with it.
	Watch(message uuid.UUID) (woken <-chan struct{}, stop func())
	// Text is what there is of the answer with an id. The attempt grows when the agent begins anew. It is empty where this node
	// does not know of the answer, or it is complete.
	Text(reply uuid.UUID) (text string, attempt int64)
}

// transport is the way on which a client wants the answer to its message.
type transport int

const (
	overSocket transport = iota // over the sockets
	overHTTP                    // with the answer to the request
	overSSE                     // as server-sent events
)

// transports are the ways by their names, those that clients used before included.
var transports = map[frame.Text]transport{"": overSocket, "websocket": overSocket, "http": overHTTP, "sync": overHTTP, "sse": overSSE, "stream": overSSE}

// PostBody is a message and how its answer is wanted.
type PostBody struct {
	MessageBody
	Transport frame.Text `json:"transport" doc:"http: the answer of the agent is part of the answer to the request. sse: it is streamed. websocket, or nothing: it comes over the sockets alone."`
	Mode      frame.Text `json:"mode" doc:"An older name for transport, with the values sync, stream and websocket."`
}

func (b PostBody) transport() (transport, error) {
	named := b.Transport
	if named == "" {
		named = b.Mode
	}
	way, ok := transports[named]
	if !ok {
		return way, problem.Invalid("Invalid transport %.60q. Must be one of: http, sse, websocket, sync, stream", named)
	}
	return way, nil
}

// agentResponse is the answer of an agent as ElizaOS 1.7.2 gives it over http and sse.
type agentResponse struct {
	Thought    string    `json:"thought"`
	Actions    []string  `json:"actions"`
	Providers  []string  `json:"providers"`
	Text       string    `json:"text"`
	Simple     bool      `json:"simple"`
	ResponseID uuid.UUID `json:"responseId"`
	InReplyTo  uuid.UUID `json:"inReplyTo"`
}

// responseOf is the answer that an agent gave to a message; one that was silent has no text.
func responseOf(message uuid.UUID, t queries.Turn, said queries.Message) *agentResponse {
	r := agentResponse{Actions: []string{"IGNORE"}, Providers: []string{}, Simple: true, ResponseID: events.ReplyID(message, *t.AgentID), InReplyTo: message}
	if t.ReplyID == nil {
		return &r
	}
	r.Text, r.ResponseID, r.Actions = said.Content, said.ID, []string{"REPLY"}
	var raw struct {
		Thought string   `json:"thought"`
		Actions []string `json:"actions"`
	}
	if json.Unmarshal(said.RawMessage, &raw) == nil {
		r.Thought = raw.Thought
		if raw.Actions != nil {
			r.Actions = raw.Actions
		}
	}
	r.Simple = len(r.Actions) < 2
	return &r
}

// answering refuses a message whose answer is waited for where no agent is there to give one: nothing is recorded then. A channel that
// is made for such a message is one of two where the metadata names the agent.
func (a *api) answering(c *frame.Call, m commands.SubmitMessage, d *commands.ChannelDefaults) error {
	if target, err := events.ParseID(frame.TextIn(d.Metadata, "targetAgentId")); err == nil && d.Target == uuid.Nil {
		d.DM, d.Target = true, target
	}
	said, err := a.Env.States.MessageNow(c, m.MessageID)
	if err != nil || said.Exists { // the request comes again
		return err
	}
	known, err := a.Env.States.Channel(c, m.ChannelID)
	if err != nil {
		return err
	}
	there := known.Participants
	if !known.Exists && d.DM {
		there = []uuid.UUID{d.Target}
	}
	for _, id := range there {
		agent, err := a.Env.States.Agent(c, id)
		if err != nil {
			return err
		}
		if id != m.AuthorID && agent.Running {
			return nil
		}
	}
	return problem.Invalid("No running agent found in channel participants")
}

// turnOfFirst is the turn of the agent that answers over http and sse, which is the first of those that a message reached, once it
// has ended. It is nil before.
func (a *api) turnOfFirst(ctx context.Context, message, agent uuid.UUID) (*queries.Turn, error) {
	turns, err := a.Queries.TurnsOf(ctx, message)
	for _, t := range turns {
		if t.AgentID != nil && *t.AgentID == agent {
			return &t, err
		}
	}
	return nil, err
}

// respond waits for the answer of an agent. After a minute it answers 202 without: the agent's answer follows as a message.
func (a *api) respond(c *frame.Call, posted *postedMessage) error {
	audience, err := a.audience(c, posted.ID)
	if err != nil || len(audience) == 0 { // the agent was stopped meanwhile
		return err
	}
	c.Extend(replyWait + 5*time.Second)
	ctx, cancel := context.WithTimeout(c, replyWait)
	defer cancel()
	var ended *queries.Turn
	err = a.Turns.Await(ctx, posted.ID, func(ctx context.Context) (_ bool, err error) {
		ended, err = a.turnOfFirst(ctx, posted.ID, audience[0])
		return ended != nil, err
	})
	switch {
	case ended != nil:
		posted.AgentResponse, err = a.response(c, posted.BusMessage, *ended)
		return err
	case err != nil && (ctx.Err() == nil || c.Err() != nil):
		return err
	}
	c.Status = http.StatusAccepted
	return nil
}

// response is the answer with which a turn ended. Where it ended without, the error has the message beside it: that is recorded.
func (a *api) response(ctx context.Context, posted BusMessage, t queries.Turn) (*agentResponse, error) {
	failed := &problem.Problem{Beside: besidePosted{UserMessage: posted}}
	switch t.Outcome {
	case events.TurnFailed:
		failed.Status, failed.Code, failed.Message = http.StatusServiceUnavailable, problem.CodeUnavailable, "The agent could not answer: "+t.Reason
		return nil, failed
	case events.TurnCutOff:
		failed.Status, failed.Code, failed.Message = http.StatusConflict, problem.CodeConflict, "The answer was aborted"
		return nil, failed
	}
	var said queries.Message
	if t.ReplyID != nil {
		var err error
		if said, err = a.Queries.Message(ctx, *t.ReplyID); err != nil {
			return nil, err
		}
	}
	return responseOf(posted.ID, t, said), nil
}

// Events of a streamed answer.
type (
	streamedChunk struct {
		MessageID uuid.UUID `json:"messageId"`
		Chunk     string    `json:"chunk"`
		Index     int       `json:"index"`
	}
	streamedError struct {
		Error string `json:"error"`
	}
)

// stream answers with the message, pieces of the agent's answer while it comes into being, and the whole at its end. A client that
// repeats its request under the same Idempotency-Key, with the Last-Event-ID, is sent what there is of the answer, and the rest.
func (a *api) stream(c *frame.Call, posted BusMessage) error {
	audience, err := a.audience(c, posted.ID)
	if err != nil {
		return err
	}
	resumed := c.Header("Last-Event-ID") != ""
	c.StreamEvents(func(ctx context.Context, s *frame.EventStream) {
		if !resumed && !s.Send("user_message", "0", posted) {
			return
		}
		if len(audience) == 0 {
			s.Send("error", "error", streamedError{"No running agent found in channel participants"})
			return
		}
		w := answerWriter{api: a, EventStream: s, posted: posted, agent: audience[0], resumed: resumed}
		for woken, stop := a.Answers.Watch(posted.ID); ; {
			if done := w.next(ctx); done {
				stop()
				return
			}
			select {
			case <-woken:
			case <-time.After(frame.Heartbeat):
				if !s.Beat() {
					stop()
					return
				}
			case <-ctx.Done():
				s.Send("error", "error", streamedError{"The answer takes too long: it follows as a message"})
				stop()
				return
			}
		}
	})
	return nil
}

// answerWriter streams one agent's answer to one message.
type answerWriter struct {
	*api
	*frame.EventStream
	posted  BusMessage
	agent   uuid.UUID
	resumed bool
	attempt int64
	sent    strings.Builder // of the attempt
	index   int
}

// next sends what is new. It reports whether the answer is complete, or the client gone.
func (w *answerWriter) next(ctx context.Context) (done bool) {
	if text, attempt := w.Answers.Text(events.ReplyID(w.posted.ID, w.agent)); attempt != 0 {
		if attempt != w.attempt {
			w.attempt, w.index = attempt, 0
			w.sent.Reset()
		}
		return !w.chunk(text)
	}
	ended, err := w.turnOfFirst(ctx, w.posted.ID, w.agent)
	if ended == nil && err == nil {
		return false
	}
	var response *agentResponse
	if err == nil {
		response, err = w.response(ctx, w.posted, *ended)
	}
	if err != nil {
		message, cause := problem.Explain(err)
		if cause != nil {
			w.Logger.WarnContext(ctx, "an answer is no longer streamed", "message", w.posted.ID, "error", cause)
		}
		w.Send("error", "error", streamedError{message})
		return true
	}
	if whole := w.resumed && w.index == 0; whole || w.chunk(response.Text) {
		w.Send("done", "done", response)
	}
	return true
}

// chunk sends what of a text was not sent yet. It reports whether the client took it.
func (w *answerWriter) chunk(text string) bool {
	rest, ok := strings.CutPrefix(text, w.sent.String())
	if !ok || rest == "" {
		return true
	}
	w.sent.WriteString(rest)
	chunk := streamedChunk{events.ReplyID(w.posted.ID, w.agent), rest, w.index}
	w.index++
	return w.Send("chunk", fmt.Sprintf("%d-%d", w.attempt, w.sent.Len()), chunk)
}
