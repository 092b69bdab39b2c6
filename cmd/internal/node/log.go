package node

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/events/chain"
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
		waits := errors.Is(err, events.ErrUnavailable) || errors.Is(err, events.ErrKeysUnreachable) || errors.Is(err, errUnrecognized)
		if err != nil && !waits {
			err = backoff.Permanent(err)
		}
		return id, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, _ time.Duration) {
		what := "the event store"
		switch {
		case errors.Is(err, events.ErrKeysUnreachable):
			what = "the PostgreSQL of POSTGRES_URL, which has the keys"
		case errors.Is(err, errUnrecognized):
			what = "the PostgreSQL of POSTGRES_URL"
		}
		s.Logger.Warn("waiting for "+what, "error", err)
	}))
}

// errUnrecognized: a log that is empty is given an identity only where it is known that this server had no other one.
var errUnrecognized = errors.New("the event store is empty, and whether this server had another log is not known before its read " +
	"models can be reached")

func (s *server) tryOpenLog(ctx context.Context) (uuid.UUID, error) {
	if !s.backends.recognized {
		if id, err := s.backends.Log(ctx); err != nil {
			return uuid.Nil, err
		} else if id == uuid.Nil {
			if s.backends.recognize(ctx); !s.backends.recognized {
				return uuid.Nil, errUnrecognized
			}
		}
	}
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

// recognize holds the log against the event that the read models stand at, now and whenever the event store is reached anew. While
// the database is away it is held against the chain in the data folder, and against the read models by the feed when they are back.
func (b *Backends) recognize(ctx context.Context) {
	if b.options.AnyLog {
		b.recognized = true
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*probe)
	defer cancel()
	mark, err := LastMark(ctx, b.DatabaseURL, b.folder)
	b.mark, b.recognized = mark, err == nil || mark.Position > 0
	if b.recognized {
		err = errors.Join(err, b.Store.Expect(ctx, mark))
	}
	if err != nil {
		b.options.Logger.Warn("the log was not recognized", "error", err)
	}
}

var errNoDatabase = errors.New("no read models are served")

// LastMark is the event that the read models stand at. Where there are none it returns the one at the end of the chain in the data
// folder, and where they cannot be reached that one with the error.
func LastMark(ctx context.Context, databaseURL, folder string) (events.Mark, error) {
	err := errNoDatabase
	if databaseURL != "" {
		var mark events.Mark
		limited, cancel := context.WithTimeout(ctx, probe)
		defer cancel()
		if mark, err = engine.Mark(limited, databaseURL); err == nil && mark.Position > 0 {
			return mark, nil
		}
	}
	mark, chainErr := chain.LastMark(ChainIn(folder))
	return mark, errors.Join(err, chainErr)
}
