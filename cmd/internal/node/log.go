package node

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
)

// openLog gives the log its identity and the default server, waiting for an event store that is away.
func (s *server) openLog(ctx context.Context) (uuid.UUID, error) {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		id, err := s.tryOpenLog(ctx)
		if !errors.Is(err, events.ErrUnavailable) {
			return id, err
		}
		s.Logger.Warn("waiting for the event store", "error", err)
		select {
		case <-ctx.Done():
			return uuid.Nil, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
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
