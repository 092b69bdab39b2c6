package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"annals/events"
)

// Status of a projection, for operators.
type Status struct {
	Name       string
	Group      string
	Version    int             // of what is shown: an older one until a raised version has caught up
	Generation int64           // 0 while nothing can be shown
	Position   events.Position // as far as what is shown is committed
	Moved      time.Time       // when Position was last moved
	// Filling is the generation that is to replace what is shown, 0 when there is none, and Filled how far it is.
	Filling int64
	Filled  events.Position
	// Stopped says why the projection stands still, and is empty while it does not.
	Stopped string
}

// group is what is known of projections that are committed and waited for together. It outlives sessions.
type group struct {
	name        string
	projections []Projection

	mu       sync.Mutex
	changed  sync.Cond
	status   []Status
	position events.Position // the smallest of the status
	known    bool            // position is what PostgreSQL has, as far as is known
	away     error           // why PostgreSQL cannot be reached
	refused  *refusal        // the fact that this build cannot take
	waiters  []*waiter

	projected atomic.Bool // by this process
}

type waiter struct {
	position events.Position
	done     chan error
}

func newGroup(name string) *group {
	g := &group{name: name}
	g.changed.L = &g.mu
	return g
}

// adopt takes what the database says. At the beginning of a session positions may have fallen; later, what this process
// has committed since the plan was read counts.
func (g *group) adopt(p plan, first bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.status
	g.status, g.known, g.away = nil, true, nil
	for _, pr := range g.projections {
		s := Status{Name: pr.Name, Group: pr.Group, Version: pr.Version}
		if f := p.filling[pr.Name]; f != nil {
			s.Filling, s.Filled, s.Stopped = f.number, f.position, f.stopped
		}
		if shown := p.shown[pr.Name]; shown != nil {
			s.Version, s.Generation, s.Position, s.Moved = shown.filled, shown.number, shown.position, shown.moved
			if shown.stopped != "" {
				s.Stopped = shown.stopped
			}
			for _, old := range before {
				if old.Generation == s.Generation && old.Position > s.Position && !first {
					s.Position, s.Moved = old.Position, old.Moved
				}
			}
		} else {
			g.known = false // it is being filled
		}
		g.status = append(g.status, s)
	}
	g.settle()
}

// moved takes note of a new position of some generations.
func (g *group) moved(generations []int64, p events.Position) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.status {
		s := &g.status[i]
		if slices.Contains(generations, s.Generation) && s.Position < p {
			s.Position, s.Moved, s.Stopped = p, time.Now(), "" // somebody projects it
		}
	}
	g.settle()
}

// settle finds the position of the group, and releases who waits for it, or waits in vain.
func (g *group) settle() {
	g.position = 0
	if g.known {
		g.position = g.status[0].Position
		for _, s := range g.status {
			g.position = min(g.position, s.Position)
		}
		if g.refused != nil && g.position >= g.refused.event.Position {
			g.refused = nil // a newer build has taken it
		}
		g.release(func(w *waiter) bool { return w.position <= g.position }, nil)
		g.changed.Broadcast()
	}
	if why := g.still(); why != nil {
		g.release(func(*waiter) bool { return true }, g.behind(why))
	}
}

// still is why the group stands still, and nil while it does not.
func (g *group) still() error {
	switch {
	case g.away != nil:
		return g.away
	case g.refused != nil:
		return g.refused
	}
	for _, s := range g.status {
		if s.Stopped != "" {
			return errors.New(s.Stopped)
		}
	}
	return nil
}

// refuse says that the group waits at a fact that this build cannot take; what it has committed stays known.
func (g *group) refuse(r *refusal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refused = r
	g.settle()
}

// refuses tells whether this build is of no use to the group: somebody else has to take the next fact.
func (g *group) refuses() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused != nil
}

// standStill says that PostgreSQL is away, and may come back with less.
func (g *group) standStill(why error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.known, g.away = false, why
	g.release(func(*waiter) bool { return true }, g.behind(why))
}

// beyond waits until more can be read than up to a position, and says up to where. It gives up with the context, of whose
// end wake has to tell.
func (g *group) beyond(ctx context.Context, p events.Position) events.Position {
	g.mu.Lock()
	defer g.mu.Unlock()
	for (!g.known || g.position <= p) && ctx.Err() == nil {
		g.changed.Wait()
	}
	return g.position
}

func (g *group) wake() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.changed.Broadcast()
}

func (g *group) behind(why error) error {
	return fmt.Errorf("group %s: %w: %w", g.name, ErrBehind, why)
}

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
	if g.known && g.position >= p {
		return nil, nil
	}
	if why := g.still(); why != nil {
		return nil, g.behind(why)
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

// Projects reports whether this process keeps a group up with the log at the moment. At most one does, but for one that has been
// replaced and does not know it yet.
func (f *Feed) Projects(group string) bool {
	g := f.group(group)
	return g != nil && g.projected.Load()
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
	if why := g.still(); why != nil {
		for i := range all {
			if all[i].Stopped == "" {
				all[i].Stopped = why.Error()
			}
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
