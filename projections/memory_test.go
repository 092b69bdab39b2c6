package projections

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"

	"annals/events"
)

// memory is a log without a server: what it yields, and when, is in the test's hands.
type memory struct {
	events.Store
	mu   sync.Mutex
	cond sync.Cond
	log  []events.Recorded
	cuts int
}

func newMemory() *memory {
	m := &memory{}
	m.cond.L = &m.mu
	return m
}

func (m *memory) add(all ...events.Recorded) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log = append(m.log, all...)
	m.cond.Broadcast()
}

// interrupt is an outage, for all who subscribe.
func (m *memory) interrupt() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cuts++
	m.cond.Broadcast()
}

func (m *memory) wake() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cond.Broadcast()
}

// next gives the event after the position, nothing at an outage, and false at the end of the context.
func (m *memory) next(ctx context.Context, after events.Position, cuts *int) (*events.Recorded, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for ctx.Err() == nil {
		if *cuts < m.cuts {
			*cuts = m.cuts
			return nil, true
		}
		i, _ := slices.BinarySearchFunc(m.log, after+1, func(e events.Recorded, p events.Position) int {
			return cmp.Compare(e.Position, p)
		})
		if i < len(m.log) {
			return &m.log[i], true
		}
		m.cond.Wait()
	}
	return nil, false
}

// Subscribe implements events.Store.
func (m *memory) Subscribe(ctx context.Context, after events.Position, _ events.Filter) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		defer context.AfterFunc(ctx, m.wake)()
		cuts := 0
		for {
			e, ok := m.next(ctx, after, &cuts)
			switch {
			case !ok:
				return
			case e == nil:
				if !yield(events.Recorded{}, events.ErrUnavailable) {
					return
				}
			default:
				if !yield(*e, nil) {
					return
				}
				after = e.Position
			}
		}
	}
}
