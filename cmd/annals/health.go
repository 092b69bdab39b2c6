package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"annals/events/esdb"
	"annals/projections"
	"annals/transport/httpapi"
)

const (
	// probe bounds each look at a dependency.
	probe = 2 * time.Second
	// tolerated is how long a projection may stand while the log moves, before that is unhealthy.
	tolerated = 10 * time.Second
)

// health looks at what the server stands on.
type health struct {
	store    *esdb.Store
	database *pgxpool.Pool
	feed     *projections.Feed
}

func (h health) check(ctx context.Context) httpapi.Health {
	ctx, cancel := context.WithTimeout(ctx, probe)
	defer cancel()
	found := map[string]string{"eventstore": "", "postgres": "", "projections": ""}
	head, err := h.store.Head(ctx)
	if err != nil {
		found["eventstore"] = "the event store does not answer"
	}
	if err := h.database.Ping(ctx); err != nil {
		found["postgres"] = "PostgreSQL does not answer"
	}
	for _, s := range h.feed.Status() {
		switch {
		case s.Stopped != "":
			found["projections"] = fmt.Sprintf("%s stands still: %s", s.Name, s.Stopped)
		case s.Position < head && time.Since(s.Moved) > tolerated:
			found["projections"] = fmt.Sprintf("%s is at %d while the log is at %d", s.Name, s.Position, head)
		}
	}
	return httpapi.Health{Dependencies: found}
}
