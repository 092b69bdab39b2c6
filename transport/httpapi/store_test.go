package httpapi

import (
	"context"
	"iter"
	"slices"
	"sync"

	"annals/events"
)

// memory is a log in memory, through the real codec.
type memory struct {
	codec *events.Codec
	mu    sync.Mutex
	moved sync.Cond
	all   []events.Recorded
}

func newMemory(codec *events.Codec) *memory {
	m := &memory{codec: codec}
	m.moved.L = &m.mu
	return m
}

func (m *memory) stream(s events.StreamID) (in []events.Recorded) {
	for _, e := range m.all {
		if e.Stream == s {
			in = append(in, e)
		}
	}
	return in
}

func (m *memory) Append(ctx context.Context, s events.StreamID, expect events.Revision, facts ...events.Proposed) (events.Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.stream(s)
	if i := slices.IndexFunc(before, func(e events.Recorded) bool { return e.ID == facts[0].ID }); i >= 0 {
		return before[i+len(facts)-1].Position, nil
	}
	if events.Revision(len(before)-1) != expect {
		return 0, events.ErrConflict
	}
	var made []events.Recorded
	for i, f := range facts {
		encoded, err := m.codec.Encode(ctx, f)
		if err != nil {
			return 0, err
		}
		e, err := m.codec.Decode(ctx, events.Raw{
			Encoded: encoded, Stream: s, Revision: uint64(len(before) + i), Position: events.Position(len(m.all) + i + 1),
		})
		if err != nil {
			return 0, err
		}
		made = append(made, e)
	}
	m.all = append(m.all, made...)
	m.moved.Broadcast()
	return events.Position(len(m.all)), nil
}

func (m *memory) Read(_ context.Context, s events.StreamID, _ events.Direction) iter.Seq2[events.Recorded, error] {
	m.mu.Lock()
	defer m.mu.Unlock()
	return each(m.stream(s))
}

func (m *memory) ReadAll(_ context.Context, from events.Position, _ events.Direction, _ events.Filter) iter.Seq2[events.Recorded, error] {
	m.mu.Lock()
	defer m.mu.Unlock()
	return each(m.all[from:])
}

func each(all []events.Recorded) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		for _, e := range all {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (m *memory) Subscribe(ctx context.Context, after events.Position, _ events.Filter) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		defer context.AfterFunc(ctx, m.moved.Broadcast)()
		for at := int(after); ; at++ {
			m.mu.Lock()
			for at >= len(m.all) && ctx.Err() == nil {
				m.moved.Wait()
			}
			if ctx.Err() != nil {
				m.mu.Unlock()
				return
			}
			e := m.all[at]
			m.mu.Unlock()
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (m *memory) Head(context.Context) (events.Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return events.Position(len(m.all)), nil
}
