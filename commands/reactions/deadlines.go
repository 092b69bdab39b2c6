package reactions

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"annals/commands"
	"annals/events"
)

// Due is what the read models know of deadlines.
type Due interface {
	// Mine reports whether this node is the one that ends things.
	Mine() bool
	// Due lists what is due at a time, the earliest first, and not more than a limit.
	Due(ctx context.Context, at time.Time, limit int) ([]commands.Due, error)
	// Waiting reports whether anything has a deadline.
	Waiting(ctx context.Context) (bool, error)
	// Readable blocks until what is recorded up to a position can be read.
	Readable(ctx context.Context, p events.Position) error
}

// Deadlines ends what is due, on the node that projects. It asks every lookAgain while anything has a deadline, since the clock may
// be moved. The commands decide by themselves and are idempotent: two nodes that do the same do no harm.
type Deadlines struct {
	Env  commands.Env
	Due  Due
	Now  func() time.Time
	Wake <-chan struct{} // tells that something has a deadline
	Log  *slog.Logger
}

const (
	lookAgain = 400 * time.Millisecond
	// restAtMost bounds how long a node without deadlines rests: another one may have ended things until now.
	restAtMost = 5 * time.Second
	// endedAtOnce bounds what is read at a time, endedTogether the commands under way: the log syncs what comes together at once.
	endedAtOnce, endedTogether = 10_000, 128
	// endLimit bounds one round. What is left is due in the next one.
	endLimit = 30 * time.Second
)

// Run ends what is due until the context ends.
func (d Deadlines) Run(ctx context.Context) error {
	failing := false
	for {
		rest, wake := lookAgain, d.Wake
		waiting, err := d.round(ctx)
		if waiting {
			wake = nil // it looks again soon, however much is recorded meanwhile
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			if rest = restAtMost / 5; !failing {
				d.Log.WarnContext(ctx, "what is due does not end for now", "error", err)
			}
		case !waiting:
			rest = restAtMost
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		case <-time.After(rest):
		}
	}
}

// round ends what is due, and reports whether anything is left that will be.
func (d Deadlines) round(ctx context.Context) (waiting bool, err error) {
	if !d.Due.Mine() {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, endLimit)
	defer cancel()
	for {
		now := d.Now().UTC().Truncate(time.Millisecond)
		due, err := d.Due.Due(ctx, now, endedAtOnce)
		if err != nil {
			return true, err
		}
		if len(due) == 0 {
			return d.Due.Waiting(ctx)
		}
		last, err := d.end(ctx, now, due)
		if err != nil {
			return true, err
		}
		if err := d.Due.Readable(ctx, last); err != nil {
			return true, err
		}
		if len(due) < endedAtOnce {
			return true, nil
		}
	}
}

// end handles the commands of deadlines, and returns the position of the last event.
func (d Deadlines) end(ctx context.Context, now time.Time, due []commands.Due) (last events.Position, err error) {
	positions := make([]events.Position, len(due))
	var group errgroup.Group // one that fails stops no other
	group.SetLimit(endedTogether)
	for i, what := range due {
		group.Go(func() error {
			id := events.Derive(what.ID, what.Command, what.Due.UTC().Format(time.RFC3339Nano))
			request := commands.Request{ID: id, At: now, Actor: "deadline", Correlation: id, Causation: id}
			done, err := commands.End(ctx, d.Env, request, what)
			positions[i] = done.Position
			return err
		})
	}
	err = group.Wait()
	for _, p := range positions {
		last = max(last, p)
	}
	return last, err
}
