package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"annals/events"
)

// Status of a projection, for operators.
type Status struct {
	Name       string
	Group      string
	Version    int
	Generation int64 // 0 until the tables are there
	Position   events.Position
	Moved      time.Time // when Position was last moved
	// Stopped says why the projection stands still, and is empty while it does not.
	Stopped string
}

// group is what is known of projections that are committed and waited for together. It outlives sessions.
type group struct {
	name        string
	projections []Projection

	// pushed is how far Committed was told, begun whether it is known. Only the group's lane touches them.
	pushed events.Position
	begun  bool

	mu       sync.Mutex
	status   []Status
	position events.Position // the smallest of the status
	known    bool            // position is what PostgreSQL has, as far as is known
	still    error           // why the group stands still
	waiters  []*waiter
}

type waiter struct {
	position events.Position
	done     chan error
}

func newGroup(name string) *group { return &group{name: name} }

// resume takes the positions that PostgreSQL has now.
func (g *group) resume(gens []*generation) {
	if !g.begun {
		g.begun = true
		for _, gen := range gens {
			g.pushed = max(g.pushed, gen.position)
		}
	}
	g.mu.Lock()
	g.known, g.still = true, nil
	g.mu.Unlock()
	g.moved(gens)
}

// moved takes note of new positions, and releases who waits for them.
func (g *group) moved(gens []*generation) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status = g.status[:0]
	g.position = gens[0].position
	for _, gen := range gens {
		g.position = min(g.position, gen.position)
		g.status = append(g.status, Status{
			Name: gen.Name, Group: gen.Group, Version: gen.Version,
			Generation: gen.number, Position: gen.position, Moved: gen.moved,
		})
	}
	g.release(func(w *waiter) bool { return w.position <= g.position }, nil)
}

// stop says that the group waits at a fact that it cannot take; what it has committed stays known.
func (g *group) stop(why error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.still = why
	g.release(func(*waiter) bool { return true }, g.behind())
}

// standStill says that PostgreSQL is away, and may come back with less.
func (g *group) standStill(why error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.known, g.still = false, why
	g.release(func(*waiter) bool { return true }, g.behind())
}

func (g *group) behind() error { return fmt.Errorf("group %s: %w: %w", g.name, ErrBehind, g.still) }

func (g *group) release(ready func(*waiter) bool, outcome error) {
	g.waiters = slices.DeleteFunc(g.waiters, func(w *waiter) bool {
		if ready(w) {
			w.done <- outcome
			return true
		}
		return false
	})
}

func (g *group) wait(ctx context.Context, p events.Position) error {
	w, err := g.enqueue(p)
	if w == nil {
		return err
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiters = slices.DeleteFunc(g.waiters, func(other *waiter) bool { return other == w })
	return fmt.Errorf("group %s is at %d, not yet at %d: %w", g.name, g.position, p, ctx.Err())
}

// enqueue gives nothing to wait for when the outcome is known already.
func (g *group) enqueue(p events.Position) (*waiter, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.known && g.position >= p:
		return nil, nil
	case g.still != nil:
		return nil, g.behind()
	}
	w := &waiter{position: p, done: make(chan error, 1)}
	g.waiters = append(g.waiters, w)
	return w, nil
}

// Wait returns once the group has committed everything up to the position. It fails with ErrBehind, at once, while the
// group stands still, and otherwise when the context ends.
func (f *Feed) Wait(ctx context.Context, group string, p events.Position) error {
	g := f.group(group)
	if g == nil {
		return fmt.Errorf("there is no group %q of projections", group)
	}
	return g.wait(ctx, p)
}

// Position is how far the group was committed when PostgreSQL was last heard of.
func (f *Feed) Position(group string) events.Position {
	g := f.group(group)
	if g == nil {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.position
}

// Status tells of each projection, group by group.
func (f *Feed) Status() []Status {
	var all []Status
	for _, g := range f.groups {
		all = append(all, g.report()...)
	}
	return all
}

func (g *group) report() []Status {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := slices.Clone(g.status)
	if len(all) == 0 {
		for _, p := range g.projections {
			all = append(all, Status{Name: p.Name, Group: p.Group, Version: p.Version})
		}
	}
	if g.still != nil {
		for i := range all {
			all[i].Stopped = g.still.Error()
		}
	}
	return all
}

// refusal is a fact that a group cannot take. Trying again is pointless until a newer build knows better.
type refusal struct {
	event  events.Recorded
	reason error
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%s at position %d (%s, revision %d) cannot be projected: %v; a newer build may know how",
		r.event.Event.EventType(), r.event.Position, r.event.Stream, r.event.Revision, r.reason)
}

func (r *refusal) Unwrap() error { return r.reason }

func isRefusal(err error) (*refusal, bool) {
	var r *refusal
	ok := errors.As(err, &r)
	return r, ok
}
