package history

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
)

// why says how an answer of an agent came about.
type why struct {
	Reply Fact `json:"reply"`
	// Turn has the model, the tokens, the time that it took, and what the agent remembered.
	Turn  *events.TurnCompleted `json:"turn,omitempty" doc:"The agent's dealing with the message; absent until it is complete."`
	Calls []modelCall           `json:"calls" doc:"What was asked of models, with the prompts, in order."`
	// Attempts counts how often the turn was begun again after it had failed, the successful one included.
	Attempts int    `json:"attempts"`
	Causes   []Fact `json:"causes" doc:"What led to the answer, the nearest first, back to what a person said."`
	Request  any    `json:"request" doc:"The request that it all began with, and who made it."`
}

type modelCall struct {
	At        time.Time `json:"at"`
	Type      string    `json:"type"`
	Body      any       `json:"body"`
	Reasoning string    `json:"reasoning,omitempty" doc:"What the model thought aloud before it answered."`
}

type request struct {
	ID    uuid.UUID `json:"id"`
	Actor string    `json:"actor"`
	At    time.Time `json:"at"`
}

// messageWhy reads it from what the request caused.
func (a *api) messageWhy(c *frame.Call, in *HistoryPath) (why, error) {
	if err := c.Here("read the history"); err != nil {
		return why{}, err
	}
	own, err := a.decoded(c, queries.HistoryFilter{Stream: events.MessageStream(in.ID.UUID)})
	if err != nil {
		return why{}, err
	}
	i := slices.IndexFunc(own, func(e events.Recorded) bool { _, ok := e.Event.(events.MessageSubmitted); return ok })
	if i < 0 {
		return why{}, fmt.Errorf("message %s %w", in.ID.UUID, queries.ErrNotFound)
	}
	reply := own[i]
	all, err := a.decoded(c, queries.HistoryFilter{Correlation: reply.Meta.Correlation})
	if err != nil {
		return why{}, err
	}
	w := why{Reply: a.fact(reply), Calls: []modelCall{}, Causes: []Fact{}}
	byID := map[uuid.UUID]events.Recorded{}
	for _, e := range all {
		byID[e.ID] = e
	}
	last := reply
	for cause, ok := byID[reply.Meta.Causation]; ok && len(w.Causes) < len(all); cause, ok = byID[cause.Meta.Causation] {
		w.Causes, last = append(w.Causes, a.fact(cause)), cause
	}
	w.Request = request{last.Meta.Request, last.Meta.Actor, last.Meta.At}
	if len(w.Causes) == 0 {
		return why{}, fmt.Errorf("an answer of an agent in message %s %w", in.ID.UUID, queries.ErrNotFound)
	}
	w.turn(in.ID.UUID, reply, all)
	return w, nil
}

// turn finds the agent's dealing with the message among what the request caused.
func (w *why) turn(reply uuid.UUID, submitted events.Recorded, all []events.Recorded) {
	for _, e := range all {
		if t, ok := e.Event.(events.TurnCompleted); ok && t.ReplyID == reply {
			w.Turn = &t
		}
	}
	for _, e := range all {
		switch f := e.Event.(type) {
		case events.TurnCompleted:
			if w.Turn != nil && f.TurnID == w.Turn.TurnID {
				w.Attempts++
			}
		case events.LogRecorded:
			if w.Turn != nil && f.TurnID == w.Turn.TurnID || w.Turn == nil && e.Meta.Causation == submitted.Meta.Causation {
				w.Calls = append(w.Calls, modelCall{e.Meta.At, f.Type, f.Body, f.Reasoning})
			}
		}
	}
}
