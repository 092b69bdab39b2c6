package node

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
)

// openLog gives the log its identity and the default server, waiting for an event store that is away.
func (s *server) openLog(ctx context.Context) (uuid.UUID, error) {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = 100*time.Millisecond, 5*time.Second
	return backoff.Retry(ctx, func() (uuid.UUID, error) {
		id, err := s.tryOpenLog(ctx)
		if err != nil && !errors.Is(err, events.ErrUnavailable) {
			err = backoff.Permanent(err)
		}
		return id, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, _ time.Duration) {
		s.Logger.Warn("waiting for the event store", "error", err)
	}))
}

func (s *server) tryOpenLog(ctx context.Context) (uuid.UUID, error) {
	r := ByCLI(s.Clock())
	if _, err := commands.Handle(ctx, s.env, r, commands.OpenLog{LogID: r.ID}); err != nil {
		return uuid.Nil, err
	}
	id, err := s.backends.Log(ctx)
	if err != nil {
		return uuid.Nil, err
	}
	_, err = commands.Handle(ctx, s.env, r, commands.DefaultServer())
	return id, err
}
