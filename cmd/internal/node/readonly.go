package node

import (
	"context"
	"errors"
	"iter"

	"annals/events"
	"annals/queries"
)

// readOnlyStore is a log to which nothing is written, and of which nothing is read but through read models: they may have been made of
// another log than the one here.
type readOnlyStore struct {
	at      events.Position
	queries *queries.Queries
	codec   *events.Codec
}

var _ events.Store = readOnlyStore{}

// Append implements events.Store.
func (readOnlyStore) Append(context.Context, events.StreamID, events.Revision, ...events.Proposed) (events.Position, error) {
	return 0, events.ErrReadOnly
}

// Read implements events.Store.
func (s readOnlyStore) Read(ctx context.Context, stream events.StreamID, dir events.Direction) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		for raw, err := range s.queries.WholeHistory(ctx, queries.HistoryFilter{Stream: stream, Direction: dir}) {
			var e events.Recorded
			if err == nil {
				e, err = s.codec.Decode(ctx, raw)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// ReadAll implements events.Store.
func (readOnlyStore) ReadAll(context.Context, events.Position, events.Direction, events.Filter) iter.Seq2[events.Recorded, error] {
	return refusing
}

// Subscribe implements events.Store.
func (readOnlyStore) Subscribe(context.Context, events.Position, events.Filter) iter.Seq2[events.Recorded, error] {
	return refusing
}

func refusing(yield func(events.Recorded, error) bool) { yield(events.Recorded{}, events.ErrReadOnly) }

// Head implements events.Store.
func (s readOnlyStore) Head(context.Context) (events.Position, error) { return s.at, nil }

// Wait implements httpapi.Waiter: everything is there that ever will be.
func (s readOnlyStore) Wait(_ context.Context, _ string, p events.Position) error {
	if p > s.at {
		return errors.New("what was does not move")
	}
	return nil
}
