package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"annals/events"
)

// task is what runs beside a session, for one group.
type task struct {
	group       *group
	generations []*generation
	filling     bool
	cancel      context.CancelFunc
	done        chan struct{}
	err         error
}

// lane keeps the generations of a group that this node projects up with the log.
type lane = task

func (s *session) runLane(ctx context.Context, l *lane) error {
	ours := numbers(l.generations)
	c, err := openCommitter(ctx, s.config, l.generations, func(at events.Position) { l.group.moved(ours, at) })
	if err != nil {
		return err
	}
	defer c.close(ctx)
	l.group.projected.Store(true)
	defer l.group.projected.Store(false)
	for batch := range s.batches(ctx, c.at) {
		if err := c.commit(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) start(ctx context.Context, t *task, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	t.cancel, t.done = cancel, make(chan struct{})
	go func() {
		defer close(t.done)
		t.err = run(ctx)
		select {
		case s.ended <- t:
		case <-ctx.Done():
		}
	}()
}

func (s *session) stop(among map[string]*task, t *task) {
	if t == nil {
		return
	}
	t.cancel()
	<-t.done
	delete(among, t.group.name)
}

func (s *session) stopAll() {
	for _, among := range []map[string]*task{s.lanes, s.fills} {
		for _, t := range among {
			t.cancel()
		}
		for _, t := range among {
			s.stop(among, t)
		}
	}
}

// note draws the consequences of a task that has ended by itself.
func (s *session) note(ctx context.Context, t *task) error {
	t.cancel()
	if t.filling {
		delete(s.fills, t.group.name)
	} else {
		delete(s.lanes, t.group.name)
	}
	r, refused := isRefusal(t.err)
	switch {
	case refused:
		s.Logger.Error("projections stopped", "group", t.group.name, "type", r.event.Event.EventType(),
			"position", r.event.Position, "stream", r.event.Stream, "reason", r.reason)
		return s.refuse(ctx, t, r)
	case errors.Is(t.err, errElsewhere):
		s.resting[t.group.name] = time.Now().Add(restFor)
	case t.filling && t.err != nil:
		s.Logger.Warn("the filling is interrupted", "group", t.group.name, "error", t.err, "again in", restFor)
		s.resting[t.group.name] = time.Now().Add(restFor)
	case t.err != nil && !isTaken(t.err):
		return fmt.Errorf("group %s: %w", t.group.name, t.err)
	}
	return nil
}

// refuse leaves a task to a newer build, and says why.
func (s *session) refuse(ctx context.Context, t *task, r *refusal) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectLimit)
	defer cancel()
	ours := numbers(t.generations)
	if _, err := s.conn.Exec(ctx, `update annals.generations set stopped = $2 where generation = any($1)`, ours, r.Error()); err != nil {
		return err
	}
	if t.filling {
		for _, n := range ours {
			s.broken[n] = true
		}
		return nil
	}
	t.group.refuse(r)
	for _, n := range ours {
		delete(s.held, n)
	}
	return release(ctx, s.conn, ours)
}
