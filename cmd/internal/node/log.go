package node

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/projections/engine"
)

// openLog gives the log its identity and the default server, waiting for an event store or a vault that is away.
func (s *server) openLog(ctx context.Context) (uuid.UUID, error) {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = 100*time.Millisecond, 5*time.Second
	return backoff.Retry(ctx, func() (uuid.UUID, error) {
		id, err := s.tryOpenLog(ctx)
		if errors.Is(err, events.ErrOtherLog) && s.backends.mark.Log != uuid.Nil { // health says so, and nothing is written
			return s.backends.mark.Log, nil
		}
		if err != nil && !errors.Is(err, events.ErrUnavailable) && !errors.Is(err, events.ErrKeysUnreachable) {
			err = backoff.Permanent(err)
		}
		return id, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, _ time.Duration) {
		what := "the event store"
		if errors.Is(err, events.ErrKeysUnreachable) {
			what = "the PostgreSQL of POSTGRES_URL, which has the keys"
		}
		s.Logger.Warn("waiting for "+what, "error", err)
	}))
}

func (s *server) tryOpenLog(ctx context.Context) (uuid.UUID, error) {
	id, err := s.backends.OpenLog(ctx)
	if err == nil {
		err = s.backends.sampleKeys(ctx)
	}
	if err == nil {
		_, err = commands.Handle(ctx, s.env, ByCLI(s.Clock()), commands.DefaultServer())
	}
	if errors.Is(err, events.ErrKeysLost) { // a log that lacks keys has that server
		err = nil
	}
	return id, err
}

// OpenLog returns the id of the log, and gives an empty one its identity.
func (b *Backends) OpenLog(ctx context.Context) (uuid.UUID, error) {
	r := ByCLI(b.options.Clock())
	if _, err := commands.Handle(ctx, b.Env(), r, commands.OpenLog{LogID: r.ID}); err != nil {
		return uuid.Nil, err
	}
	return b.Log(ctx)
}

// recognize holds the log against the event that the read models stand at, now and whenever the event store is reached anew. A
// database that is away is looked at by the feed when it comes back.
func (b *Backends) recognize(ctx context.Context) {
	if b.options.AnyLog {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, probe)
	defer cancel()
	var err error
	if b.mark, err = engine.Mark(ctx, b.DatabaseURL); err == nil {
		err = b.Store.Expect(ctx, b.mark)
	}
	if err != nil {
		b.options.Logger.Warn("the log was not recognized", "error", err)
	}
}
