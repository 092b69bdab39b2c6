package queries_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"annals/deploy/postgres/pgtest"
	"annals/events"
	"annals/events/esdb/esdbtest"
	"annals/projections"
	"annals/projections/engine"
	"annals/queries"
)

const patience = time.Minute

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// given is what happened, and the queries that answer from it.
type given struct {
	*queries.Queries
	t    testing.TB
	log  *esdbtest.Log
	feed *engine.Feed
	pool *pgxpool.Pool
	ctx  context.Context
	now  time.Time // of the next fact
}

var dawn = time.Date(2026, 11, 23, 13, 53, 20, 0, time.UTC)

func start(t testing.TB) *given {
	t.Helper()
	url := pgtest.New(t)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	g := &given{t: t, log: esdbtest.New(t), ctx: ctx, now: dawn}
	g.feed = engine.NewFeed(engine.Options{
		Store: g.log, Postgres: url, Log: uuid.New(), Projections: projections.All(), Logger: slog.New(slog.DiscardHandler),
	})
	ended := make(chan error, 1)
	go func() { ended <- g.feed.Run(ctx) }()
	config, err := queries.Config(url, engine.Views(projections.All()))
	must(t, err)
	g.pool, err = pgxpool.NewWithConfig(ctx, config)
	must(t, err)
	t.Cleanup(func() {
		g.pool.Close()
		cancel()
		must(t, <-ended)
	})
	g.Queries = queries.New(g.pool)
	return g
}

// happened records facts, a millisecond apart, and returns when they can be read.
func (g *given) happened(s events.StreamID, facts ...events.Event) events.Position {
	g.t.Helper()
	var p events.Position
	for _, f := range facts {
		g.now = g.now.Add(time.Millisecond)
		p = g.log.Record(s, g.now, f)
	}
	for _, one := range projections.All() {
		must(g.t, g.feed.Wait(g.ctx, one.Group, p))
	}
	return p
}

// id is readable in failures.
func id(n byte) uuid.UUID { return uuid.UUID{0: n, 6: 0x40, 8: 0x80, 15: n} }

func (g *given) agent(n byte, c events.Character) events.Position {
	return g.happened(events.AgentStream(id(n)), events.AgentCreated{AgentID: id(n), Character: c})
}

func (g *given) channel(n byte, participants ...uuid.UUID) events.Position {
	return g.happened(events.ChannelStream(id(n)), events.ChannelCreated{
		ChannelID: id(n), Name: "talk", Type: "GROUP", Participants: participants,
	})
}

// said is a message of author 1 in channel 9.
func (g *given) said(n byte, content string) events.Position {
	return g.happened(events.MessageStream(id(n)), events.MessageSubmitted{
		MessageID: id(n), ChannelID: id(9), AuthorID: id(1), AuthorName: "Ann", Content: content,
	})
}
