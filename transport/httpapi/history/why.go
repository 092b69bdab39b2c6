package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
)

// Why says how an answer of an agent came about.
type Why struct {
	Reply Fact `json:"reply"`
	Dealing
}

// TurnWhy says how a turn ended, and why.
type TurnWhy struct {
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
	Attempts int     `json:"attempts"`
	Causes   []Fact  `json:"causes" doc:"What led to it, the nearest first, back to what a person said."`
	Request  request `json:"request" doc:"The request that it all began with, and who made it."`
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

// Explainer says how agents dealt with messages, from the history.
type Explainer struct {
	Log uuid.UUID
	// Read returns the events that fit a filter, in the order of the log.
	Read func(context.Context, queries.HistoryFilter) ([]events.Recorded, error)
}

// explainer reads the history for a call.
func (a *api) explainer(c *frame.Call) Explainer {
	read := func(_ context.Context, f queries.HistoryFilter) ([]events.Recorded, error) { return a.decoded(c, f) } //nolint:contextcheck // the call is the context
	return Explainer{a.Log, read}
}

func (a *api) messageWhy(c *frame.Call, in *HistoryPath) (w Why, err error) {
	if err := c.Here("read the history"); err != nil {
		return w, err
	}
	return a.explainer(c).Answer(c, in.ID.UUID)
}

func (a *api) turnWhy(c *frame.Call, in *HistoryPath) (w TurnWhy, err error) {
	if err := c.Here("read the history"); err != nil {
		return w, err
	}
	return a.explainer(c).Turn(c, in.ID.UUID)
}

// submitted returns the event that made a message.
func (x Explainer) submitted(ctx context.Context, message uuid.UUID) (said events.Recorded, err error) {
	own, err := x.Read(ctx, queries.HistoryFilter{Stream: events.MessageStream(message)})
	if err != nil {
		return said, err
	}
	i := slices.IndexFunc(own, func(e events.Recorded) bool { _, ok := e.Event.(events.MessageSubmitted); return ok })
	if i < 0 {
		return said, fmt.Errorf("message %s %w", message, queries.ErrNotFound)
	}
	return own[i], nil
}

// Answer says how a message of an agent came about, from what its request caused.
func (x Explainer) Answer(ctx context.Context, message uuid.UUID) (w Why, err error) {
	reply, err := x.submitted(ctx, message)
	if err != nil {
		return w, err
	}
	all, err := x.Read(ctx, queries.HistoryFilter{Correlation: reply.Meta.Correlation})
	if err != nil {
		return w, err
	}
	w = Why{Reply: FactOf(x.Log, reply), Dealing: x.causesOf(reply, all)}
	if len(w.Causes) == 0 {
		return Why{}, fmt.Errorf("an answer of an agent in message %s %w", message, queries.ErrNotFound)
	}
	for _, e := range all {
		if t, ok := e.Event.(events.TurnCompleted); ok && t.ReplyID == message {
			w.Turn = &t
		}
	}
	w.calls(all, func(e events.Recorded, turn uuid.UUID) bool {
		return w.Turn != nil && turn == w.Turn.TurnID || w.Turn == nil && e.Meta.Causation == reply.Meta.Causation
	})
	return w, nil
}

// Turns says how the agents that heard a message dealt with it; those that have not begun are left out.
func (x Explainer) Turns(ctx context.Context, message uuid.UUID) (all []TurnWhy, err error) {
	said, err := x.submitted(ctx, message)
	if err != nil {
		return nil, err
	}
	submitted, _ := said.Event.(events.MessageSubmitted)
	for _, agent := range submitted.Audience {
		w, err := x.Turn(ctx, events.TurnID(message, agent))
		if errors.Is(err, queries.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	return all, nil
}

// Turn says how a turn ended, from its stream and from what the request caused that the message belongs to.
func (x Explainer) Turn(ctx context.Context, id uuid.UUID) (w TurnWhy, err error) {
	own, err := x.Read(ctx, queries.HistoryFilter{Stream: events.TurnStream(id)})
	if err != nil {
		return w, err
	}
	if len(own) == 0 {
		return w, fmt.Errorf("turn %s %w", id, queries.ErrNotFound)
	}
	last := own[len(own)-1]
	for _, e := range own {
		switch f := e.Event.(type) {
		case events.TurnCompleted:
			w.Turn, last = &f, e
		case events.TurnAborted:
			abort := FactOf(x.Log, e)
			w.Abort = &abort
		}
	}
	all, err := x.Read(ctx, queries.HistoryFilter{Correlation: last.Meta.Correlation})
	if err != nil {
		return w, err
	}
	turn := w.Turn
	w.Dealing = x.causesOf(last, all)
	w.Turn = turn
	w.calls(all, func(_ events.Recorded, turn uuid.UUID) bool { return turn == id })
	for _, e := range all {
		if said, ok := e.Event.(events.MessageSubmitted); ok && turn != nil && said.MessageID == turn.ReplyID {
			reply := FactOf(x.Log, e)
			w.Reply = &reply
		}
	}
	return w, nil
}

// causesOf finds what led to an event among what its request caused.
func (x Explainer) causesOf(e events.Recorded, all []events.Recorded) Dealing {
	d := Dealing{Calls: []modelCall{}, Causes: []Fact{}}
	byID := map[uuid.UUID]events.Recorded{}
	for _, one := range all {
		byID[one.ID] = one
	}
	last := e
	for cause, ok := byID[e.Meta.Causation]; ok && len(d.Causes) < len(all); cause, ok = byID[cause.Meta.Causation] {
		d.Causes, last = append(d.Causes, FactOf(x.Log, cause)), cause
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
