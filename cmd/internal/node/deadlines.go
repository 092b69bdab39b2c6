package node

import (
	"context"
	"errors"
	"time"

	"annals/commands"
	"annals/commands/reactions"
	"annals/events"
	"annals/projections"
	"annals/projections/engine"
	"annals/queries"
)

// endWhatIsDue ends what has a deadline, on the node that projects deadlines.
func (s *server) endWhatIsDue(ctx context.Context) error {
	return reactions.Deadlines{Env: s.env, Due: due{s.queries, s.feed}, Now: s.Clock, Wake: s.timed, Log: s.Logger}.Run(ctx)
}

// due lets the reaction read deadlines from the read models.
type due struct {
	*queries.Queries
	feed *engine.Feed
}

// Due implements reactions.Due.
func (d due) Due(ctx context.Context, at time.Time, limit int) ([]commands.Due, error) {
	found, err := d.Queries.Due(ctx, at, limit)
	all := make([]commands.Due, len(found))
	for i, f := range found {
		all[i].Deadline = f.Deadline
		if f.Session != nil {
			all[i].Session = &commands.KnownSession{SessionState: *f.Session, Revision: events.Revision(f.Revision)}
		}
	}
	return all, err
}

// Mine implements reactions.Due.
func (d due) Mine() bool { return d.feed.Projects(projections.GroupCore) }

// Waiting implements reactions.Due.
func (d due) Waiting(ctx context.Context) (bool, error) {
	_, err := d.NextDeadline(ctx)
	if errors.Is(err, queries.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Readable implements reactions.Due. What cannot be read in time is read later: the commands are idempotent.
func (d due) Readable(ctx context.Context, p events.Position) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	err := d.feed.Wait(ctx, projections.GroupCore, p)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// hasDeadline reports whether something has got a deadline with what was committed.
func hasDeadline(batch []events.Recorded) bool {
	for _, e := range batch {
		if _, ok := e.Event.(events.Timed); ok {
			return true
		}
	}
	return false
}
