package esdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"annals/events"
)

// marks are events that the log has to have: the newest one that this process was told of, and the one that the read models stand
// at. Each new connection is held against them before it is used, since what serves the address may have changed meanwhile: it may
// have been set back to an older backup, begun anew, or exchanged.
type marks struct {
	mu             sync.Mutex
	seen, expected events.Mark
}

// see takes note of an event that was read from the log as it grew.
func (m *marks) see(e *esdb.RecordedEvent) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := position(e); p > m.seen.Position {
		m.seen = events.Mark{Position: p, Event: e.EventID}
	}
}

func (m *marks) expect(mark events.Mark) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expected = mark
}

func (m *marks) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = events.Mark{}
}

func (m *marks) all() [2]events.Mark {
	m.mu.Lock()
	defer m.mu.Unlock()
	return [2]events.Mark{m.seen, m.expected}
}

// check fails with ErrOtherLog where the log lacks a mark.
func (m *marks) check(ctx context.Context, l *link) error {
	for _, mark := range m.all() {
		if mark.Position == 0 {
			continue
		}
		found, err := use(ctx, l, func(ctx context.Context, c *esdb.Client) (uuid.UUID, error) { return eventAt(ctx, c, mark.Position) })
		if err := judge(mark, found, err); err != nil {
			return err
		}
	}
	return nil
}

// judge tells what it means that there is this event, or an error, at a mark.
func judge(mark events.Mark, found uuid.UUID, err error) error {
	switch {
	case errors.Is(err, events.ErrUnavailable):
		return err
	case err != nil || found == uuid.Nil || mark.Event != uuid.Nil && found != mark.Event:
		return fmt.Errorf("%w: %w: at position %d it had the event %s, which is not there; put the right store back, "+
			"or run `annals rebuild --all` to go on with what is there now", events.ErrUnavailable, events.ErrOtherLog, mark.Position, mark.Event)
	}
	return nil
}

// eventAt returns the id of the event at a position, uuid.Nil where there is none.
func eventAt(ctx context.Context, c *esdb.Client, p events.Position) (uuid.UUID, error) {
	at := esdb.Position{Commit: uint64(p), Prepare: uint64(p)}
	reading, err := c.ReadAll(ctx, esdb.ReadAllOptions{From: at, Direction: esdb.Forwards}, 1)
	if err != nil {
		return uuid.Nil, err
	}
	defer reading.Close()
	e, err := reading.Recv()
	switch {
	case errors.Is(err, io.EOF):
		return uuid.Nil, nil
	case err != nil:
		return uuid.Nil, err
	case position(e.OriginalEvent()) != p:
		return uuid.Nil, nil
	}
	return e.OriginalEvent().EventID, nil
}

// Expect holds the log against an event that read models stand at, now and at each new connection, instead of the one that was
// named before. It fails with ErrOtherLog where the log does not have it: then nothing is read or written any more until it has.
func (s *Store) Expect(ctx context.Context, mark events.Mark) error {
	s.supervisor.marks.expect(mark)
	s.supervisor.lookAgain()
	if mark.Position == 0 {
		return nil
	}
	found, err := persist(ctx, s.supervisor, func(ctx context.Context, c *esdb.Client) (uuid.UUID, error) {
		return eventAt(ctx, c, mark.Position)
	})
	if err = judge(mark, found, err); errors.Is(err, events.ErrOtherLog) {
		s.supervisor.drop()
	}
	return err
}

// Decided forgets what this process has seen: an operator has decided to go on with the log as it is.
func (s *Store) Decided() {
	s.supervisor.marks.forget()
	s.supervisor.lookAgain()
}
