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
	Dealing
}

// turnWhy says how a turn ended, and why.
type turnWhy struct {
	Reply *Fact `json:"reply,omitempty" doc:"The answer, where there is one."`
	Abort *Fact `json:"abort,omitempty" doc:"The request to abort the turn, and who made it."`
	Dealing
}

// Dealing is an agent's dealing with a message.
type Dealing struct {
	// Turn has the model, the tokens, the time that it took, and what the agent remembered.
	Turn  *events.TurnCompleted `json:"turn,omitempty" doc:"The agent's dealing with the message: how it ended, and why; absent until it is complete."`
	Calls []modelCall           `json:"calls" doc:"What was asked of models, with the prompts, in order."`
	// Attempts counts how often the turn was begun again after it had failed, the successful one included.
	Attempts int    `json:"attempts"`
	Causes   []Fact `json:"causes" doc:"What led to it, the nearest first, back to what a person said."`
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
	w := why{Reply: a.fact(reply), Dealing: a.causesOf(reply, all)}
	if len(w.Causes) == 0 {
		return why{}, fmt.Errorf("an answer of an agent in message %s %w", in.ID.UUID, queries.ErrNotFound)
	}
	for _, e := range all {
		if t, ok := e.Event.(events.TurnCompleted); ok && t.ReplyID == in.ID.UUID {
			w.Turn = &t
		}
	}
	w.calls(all, func(e events.Recorded, turn uuid.UUID) bool {
		return w.Turn != nil && turn == w.Turn.TurnID || w.Turn == nil && e.Meta.Causation == reply.Meta.Causation
	})
	return w, nil
}

// turnWhy reads it from the stream of the turn, and from what the request caused that the message belongs to.
func (a *api) turnWhy(c *frame.Call, in *HistoryPath) (w turnWhy, err error) {
	if err := c.Here("read the history"); err != nil {
		return w, err
	}
	own, err := a.decoded(c, queries.HistoryFilter{Stream: events.TurnStream(in.ID.UUID)})
	if err != nil {
		return w, err
	}
	if len(own) == 0 {
		return w, fmt.Errorf("turn %s %w", in.ID.UUID, queries.ErrNotFound)
	}
	last := own[len(own)-1]
	for _, e := range own {
		switch f := e.Event.(type) {
		case events.TurnCompleted:
			w.Turn, last = &f, e
		case events.TurnAborted:
			abort := a.fact(e)
			w.Abort = &abort
		}
	}
	all, err := a.decoded(c, queries.HistoryFilter{Correlation: last.Meta.Correlation})
	if err != nil {
		return w, err
	}
	turn := w.Turn
	w.Dealing = a.causesOf(last, all)
	w.Turn = turn
	w.calls(all, func(_ events.Recorded, turn uuid.UUID) bool { return turn == in.ID.UUID })
	for _, e := range all {
		if said, ok := e.Event.(events.MessageSubmitted); ok && turn != nil && said.MessageID == turn.ReplyID {
			reply := a.fact(e)
			w.Reply = &reply
		}
	}
	return w, nil
}

// causesOf finds what led to an event among what its request caused.
func (a *api) causesOf(e events.Recorded, all []events.Recorded) Dealing {
	d := Dealing{Calls: []modelCall{}, Causes: []Fact{}}
	byID := map[uuid.UUID]events.Recorded{}
	for _, one := range all {
		byID[one.ID] = one
	}
	last := e
	for cause, ok := byID[e.Meta.Causation]; ok && len(d.Causes) < len(all); cause, ok = byID[cause.Meta.Causation] {
		d.Causes, last = append(d.Causes, a.fact(cause)), cause
	}
	d.Request = request{last.Meta.Request, last.Meta.Actor, last.Meta.At}
	return d
}

// calls notes the calls of models, and the ends, of the turn that belongs decides about.
func (d *Dealing) calls(all []events.Recorded, belongs func(e events.Recorded, turn uuid.UUID) bool) {
	for _, e := range all {
		switch f := e.Event.(type) {
		case events.TurnCompleted:
			if d.Turn != nil && f.TurnID == d.Turn.TurnID {
				d.Attempts++
			}
		case events.LogRecorded:
			if belongs(e, f.TurnID) {
				d.Calls = append(d.Calls, modelCall{e.Meta.At, f.Type, f.Body, f.Reasoning})
			}
		}
	}
}
