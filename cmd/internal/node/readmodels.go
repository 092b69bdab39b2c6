package node

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"annals/events"
	"annals/projections"
	"annals/projections/engine"
	"annals/queries"
	"annals/transport/httpapi/frame"
)

// Projections are what fills the read models of this build from the log.
func (b *Backends) Projections(log uuid.UUID) engine.Options {
	return engine.Options{
		Store: b.Store, Postgres: b.DatabaseURL, Log: log, Projections: projections.All(), Logger: b.options.Logger, Landmarks: b.Store,
		Legible: b.legible,
	}
}

// currentViews is the schema of the views of this build.
func currentViews() string { return engine.Views(projections.All()) }

// Pool connects to the read models, which are read through the views of this build.
func (b *Backends) Pool(ctx context.Context) (*pgxpool.Pool, error) {
	return b.poolOf(ctx, currentViews())
}

// poolOf connects to read models through the views in a schema.
func (b *Backends) poolOf(ctx context.Context, views string) (*pgxpool.Pool, error) {
	config, err := queries.Config(b.DatabaseURL, views)
	if err != nil {
		return nil, err
	}
	return pgxpool.NewWithConfig(ctx, config)
}

// expensivePoolOf is poolOf for what is expensive to read.
func (b *Backends) expensivePoolOf(ctx context.Context, views string) (*pgxpool.Pool, error) {
	config, err := queries.ExpensiveConfig(b.DatabaseURL, views, frame.Expensives())
	if err != nil {
		return nil, err
	}
	return pgxpool.NewWithConfig(ctx, config)
}

// Project keeps the read models up to date until stop is called, which nobody else does where no server runs. stop returns
// what the projecting failed with.
func (b *Backends) Project(ctx context.Context, log uuid.UUID) (feed *engine.Feed, stop func() error) {
	feed = engine.NewFeed(b.Projections(log))
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- feed.Run(ctx) }()
	return feed, func() error { cancel(); return <-ended }
}

// Await waits until all that is recorded up to a position can be read from these groups, for as long as that takes:
// PostgreSQL may be away, and a read model may be filled for the first time. It fails only when ctx ends.
func Await(ctx context.Context, feed *engine.Feed, p events.Position, groups ...string) error {
	return await(ctx, feed, p, 0, groups)
}

// stillLimit is how long a command waits for a read model that stands still.
const stillLimit = 20 * time.Second

// CatchUp is Await for a command, which has no page of health: it fails with the reason where a group stands still for stillLimit.
func CatchUp(ctx context.Context, feed *engine.Feed, p events.Position, groups ...string) error {
	return await(ctx, feed, p, stillLimit, groups)
}

func await(ctx context.Context, feed *engine.Feed, p events.Position, limit time.Duration, groups []string) error {
	for _, group := range groups {
		pauses := backoff.NewExponentialBackOff()
		pauses.InitialInterval, pauses.MaxInterval = 10*time.Millisecond, time.Second
		still := time.Now()
		wait := func() (struct{}, error) {
			began := time.Now()
			err := feed.Wait(ctx, group, p)
			if time.Since(began) > pauses.MaxInterval {
				still = time.Now() // the group went on meanwhile
			}
			if err != nil && limit > 0 && time.Since(still) > limit {
				err = backoff.Permanent(err)
			}
			return struct{}{}, err
		}
		if _, err := backoff.Retry(ctx, wait, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0)); err != nil {
			return err
		}
	}
	return nil
}
