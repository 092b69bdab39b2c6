package esdb

import (
	"context"
	"fmt"
	"iter"

	"annals/events"
)

// Logged is an event as the store has it, undecoded.
type Logged struct {
	events.Raw
	JSON bool // what its writer said of the data
}

// Facts yields the log after a position as far as it goes now, without the store's own events.
func (s *Store) Facts(ctx context.Context, after events.Position) iter.Seq2[events.Raw, error] {
	return func(yield func(events.Raw, error) bool) {
		for e, err := range s.Everything(ctx, after) {
			if (err != nil || e.Type[0] != '$') && !yield(e.Raw, err) {
				return
			}
		}
	}
}

// Everything yields the log after a position as far as it goes now, the store's own events included. Links are not followed.
func (s *Store) Everything(ctx context.Context, after events.Position) iter.Seq2[Logged, error] {
	return func(yield func(Logged, error) bool) {
		at := after
		for {
			got, err := s.readAll(ctx, at, events.Forwards, page)
			if err != nil {
				yield(Logged{}, fmt.Errorf("read the log from %d: %w", at, err))
				return
			}
			more := full(got, page)
			if len(got) > 0 && position(got[0]) == at { // forwards the store includes the position itself
				got = got[1:]
			}
			for _, e := range got {
				if !yield(Logged{raw(e), e.ContentType == "application/json"}, nil) {
					return
				}
			}
			if !more || len(got) == 0 {
				return
			}
			at = position(got[len(got)-1])
		}
	}
}
