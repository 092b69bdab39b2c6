package commands

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"annals/events"
)

// Loaded is a stream as it stood when it was read.
type Loaded[S State[S]] struct {
	state    S
	revision events.Revision
	position events.Position
	at       time.Time
	requests map[uuid.UUID]events.Recorded // the last fact of each request
}

// wholeInLast is a state that the last event of its stream has whole: no earlier one is read, however many there are. Such a stream
// recognizes a repeated request only while fewer than recognized others are recorded.
type wholeInLast interface{ wholeInLast() }

// recognized bounds how many events are read to find a request that a client may repeat.
const recognized = 32

// LoadStream reads a stream for a command that is handled after something slow.
func LoadStream[S State[S]](ctx context.Context, env Env, s events.StreamID) (Loaded[S], error) {
	return loadFor[S](ctx, env, s, Request{})
}

// loadFor reads a stream for a request.
func loadFor[S State[S]](ctx context.Context, env Env, s events.StreamID, r Request) (Loaded[S], error) {
	l := Loaded[S]{revision: events.NoStream, requests: map[uuid.UUID]events.Recorded{}}
	if _, lastAlone := any(l.state).(wholeInLast); lastAlone {
		err := l.readBack(ctx, env, s, r)
		return l, err
	}
	for e, err := range env.Store.Read(ctx, s, events.Forwards) {
		if err != nil {
			return l, err
		}
		if err := known(s, e); err != nil {
			return l, err
		}
		l.apply(e)
	}
	for _, e := range env.assumed.of(s, l.revision+1) {
		l.apply(e)
	}
	return l, nil
}

// known refuses an event that this build cannot read.
func known(s events.StreamID, e events.Recorded) error {
	if u, ok := e.Event.(events.Unknown); ok {
		return fmt.Errorf("%s at revision %d: %s cannot be read: %w", s, e.Revision, u.Type, u.Reason)
	}
	return nil
}

// readBack takes the last event of a stream, and the requests of earlier ones where the request may be a repetition.
func (l *Loaded[S]) readBack(ctx context.Context, env Env, s events.StreamID, r Request) error {
	var last events.Recorded
	n := 0
	for e, err := range env.Store.Read(ctx, s, events.Backwards) {
		if err != nil {
			return err
		}
		if n++; n == 1 {
			if err := known(s, e); err != nil {
				return err
			}
			last = e
		} else if _, there := l.requests[e.Meta.Request]; !there {
			l.requests[e.Meta.Request] = e
		}
		if r.Body == "" || e.Meta.Request == r.ID || n == recognized {
			break
		}
	}
	if n > 0 {
		l.apply(last)
	}
	for _, e := range env.assumed.of(s, l.revision+1) {
		l.apply(e)
	}
	return nil
}

// Load reads a stream and returns what it folds to: the zero value for one without events.
func Load[S State[S]](ctx context.Context, env Env, s events.StreamID) (S, error) {
	loaded, err := LoadStream[S](ctx, env, s)
	return loaded.state, err
}

// State returns what the stream folds to.
func (l Loaded[S]) State() S { return l.state }

// Position returns where the last event of the stream stands, 0 for a stream without events.
func (l Loaded[S]) Position() events.Position { return l.position }

func (l *Loaded[S]) apply(e events.Recorded) {
	l.state = l.state.Apply(e)
	l.revision, l.position, l.at = events.Revision(e.Revision), e.Position, e.Meta.At
	l.requests[e.Meta.Request] = e
}

// repeated reports whether the request was fulfilled before, and how.
func (l Loaded[S]) repeated(s events.StreamID, r Request) (Result, bool, error) {
	if r.ID == uuid.Nil {
		return Result{}, false, fmt.Errorf("%s: %w: a request without an id could not be told from another", s, ErrRefused)
	}
	e, ok := l.requests[r.ID]
	if !ok {
		return Result{}, false, nil
	}
	if e.Meta.Body != r.Body {
		return Result{}, false, fmt.Errorf("%s: %w", s, ErrReused)
	}
	return Result{Position: e.Position, Revision: e.Revision, Changed: true, At: e.Meta.At}, true, nil
}
