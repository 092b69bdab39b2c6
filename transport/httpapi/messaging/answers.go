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
	"annals/transport/httpapi/talk"
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

// PostBody is a message and how its answer is wanted.
type PostBody struct {
	MessageBody
	MessageID frame.Text `json:"messageId" doc:"The message's id in the words of the client, a UUID. The same again, with the same text, is the same message: so an answer that is streamed is resumed."`
	talk.TransportNames
}

// responseOf is the answer that an agent gave to a message; one that was silent has no text.
func responseOf(message uuid.UUID, t queries.Turn, said queries.Message) *talk.AgentResponse {
	r := talk.AgentResponse{Actions: []string{"IGNORE"}, Providers: []string{}, Simple: true, ResponseID: events.ReplyID(message, *t.AgentID), InReplyTo: message}
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

// Posting posts messages in channels that exist, for other parts of the API.
type Posting struct{ *api }

// MessageID is the id of a message that its author calls by an id of its own, or by none.
func (p Posting) MessageID(c *frame.Call, channel, author uuid.UUID, own, content string) (uuid.UUID, error) {
	return p.messageID(c, channel, author, own, content)
}

// Ready refuses a message that could not be answered on the way that the client wants: nothing is recorded then.
func (p Posting) Ready(c *frame.Call, m commands.SubmitMessage, way talk.Transport) error {
	return p.ready(c, m, &commands.ChannelDefaults{}, way)
}

// Post submits a message, and answers the call with it and, on some ways, with what the agent answers.
func (p Posting) Post(c *frame.Call, m commands.SubmitMessage, way talk.Transport) (posted talk.Posted, err error) {
	r, err := p.submit(c, m)
	if err != nil {
		return posted, err
	}
	posted.UserMessage = inBusForm(m, r.At)
	posted.AgentResponse, err = p.answer(c, posted.UserMessage, way)
	return posted, err
}

// ready takes a place for an answer that is streamed, and sees that an agent is there where its answer is waited for.
func (a *api) ready(c *frame.Call, m commands.SubmitMessage, d *commands.ChannelDefaults, way talk.Transport) error {
	if way == talk.OverSSE {
		if err := c.Follows(); err != nil {
			return err
		}
	}
	if way == talk.OverSocket {
		return nil
	}
	return a.answering(c, m, d)
}

// answer waits for the agent's answer, or streams it, as the way wants.
func (a *api) answer(c *frame.Call, posted talk.BusMessage, way talk.Transport) (*talk.AgentResponse, error) {
	switch way {
	case talk.OverHTTP:
		c.Settle()
		return a.respond(c, posted)
	case talk.OverSSE:
		return nil, a.stream(c, posted)
	}
	return nil, nil
}

// answering refuses a message whose answer is waited for where no agent is there to give one: nothing is recorded then. A channel that
// is made for such a message is one of two where the metadata names the agent, and one that has no agent is joined by it.
func (a *api) answering(c *frame.Call, m commands.SubmitMessage, d *commands.ChannelDefaults) error {
	target, _ := events.ParseID(frame.TextIn(d.Metadata, "targetAgentId"))
	if target != uuid.Nil && d.Target == uuid.Nil {
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
	if agent, err := a.Env.States.Agent(c, target); err != nil || known.Exists && agent.Running {
		return a.joins(c, m.ChannelID, target, err)
	}
	return problem.Invalid("No running agent found in channel participants")
}

// joins has the agent that a client names take part in a channel where no agent does.
func (a *api) joins(c *frame.Call, channel, agent uuid.UUID, err error) error {
	if err == nil {
		_, err = frame.Run(c, commands.JoinChannel{ChannelID: channel, ParticipantID: agent})
	}
	return err
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
func (a *api) respond(c *frame.Call, posted talk.BusMessage) (*talk.AgentResponse, error) {
	audience, err := a.audience(c, posted.ID)
	if err != nil || len(audience) == 0 { // the agent was stopped meanwhile
		return nil, err
	}
	c.Extend(replyWait + 5*time.Second)
	ctx, cancel := context.WithTimeout(c, replyWait)
	defer cancel()
	var ended *queries.Turn
	c.Rested()
	err = a.Turns.Await(ctx, posted.ID, func(ctx context.Context) (_ bool, err error) {
		ended, err = a.turnOfFirst(ctx, posted.ID, audience[0])
		return ended != nil, err
	})
	switch {
	case ended != nil:
		return a.response(c, posted, *ended)
	case err != nil && (ctx.Err() == nil || c.Err() != nil):
		return nil, err
	}
	c.Status = http.StatusAccepted
	return nil, nil
}

// response is the answer with which a turn ended. Where it ended without, the error has the message beside it: that is recorded.
func (a *api) response(ctx context.Context, posted talk.BusMessage, t queries.Turn) (*talk.AgentResponse, error) {
	failed := &problem.Problem{Beside: talk.Posted{UserMessage: posted}}
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

// stream answers with the message, pieces of the agent's answer while it comes into being, and the whole at its end. A client that
// repeats its request under the same Idempotency-Key, with the Last-Event-ID, is sent what there is of the answer, and the rest.
func (a *api) stream(c *frame.Call, posted talk.BusMessage) error {
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
			s.Send("error", "error", talk.StreamedError{Error: "No running agent found in channel participants"})
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
				s.Send("error", "error", talk.StreamedError{Error: "The answer takes too long: it follows as a message"})
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
	posted  talk.BusMessage
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
	var response *talk.AgentResponse
	if err == nil {
		response, err = w.response(ctx, w.posted, *ended)
	}
	if err != nil {
		message, cause := problem.Explain(err)
		if cause != nil {
			w.Logger.WarnContext(ctx, "an answer is no longer streamed", "message", w.posted.ID, "error", cause)
		}
		w.Send("error", "error", talk.StreamedError{Error: message})
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
	chunk := talk.StreamedChunk{MessageID: events.ReplyID(w.posted.ID, w.agent), Chunk: rest, Index: w.index}
	w.index++
	return w.Send("chunk", fmt.Sprintf("%d-%d", w.attempt, w.sent.Len()), chunk)
}
