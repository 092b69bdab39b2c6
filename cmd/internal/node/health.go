package node

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"annals/cmd/internal/telemetry"
	"annals/events"
	"annals/events/esdb"
	"annals/projections"
	"annals/projections/engine"
	serverapi "annals/transport/httpapi/server"
)

const (
	// probe bounds each look at a dependency.
	probe = 2 * time.Second
	// Tolerated is how long a fact may wait for a projection before that is unhealthy.
	Tolerated = 10 * time.Second
	// counted bounds how many events of a lag are counted.
	counted = 1000
)

// health looks at what the server stands on.
type health struct {
	clock    func() time.Time
	log      uuid.UUID
	store    *esdb.Store
	database *pgxpool.Pool
	feed     *engine.Feed
	vectors  Vectors
}

func (h health) check(ctx context.Context) serverapi.Health {
	ctx, cancel := context.WithTimeout(ctx, probe)
	defer cancel()
	found := serverapi.Health{Dependencies: map[string]string{"eventstore": "", "postgres": "", "projections": ""}}
	head, err := h.store.Head(ctx)
	if err != nil {
		found.Dependencies["eventstore"] = "the event store does not answer"
	}
	if err := h.database.Ping(ctx); err != nil {
		found.Dependencies["postgres"] = "PostgreSQL does not answer"
	}
	lagAt := h.lags(ctx)
	for _, s := range h.feed.Status() {
		lag := lagAt(s.Position)
		found.Projections = append(found.Projections, h.of(s, lag, head))
		switch {
		case s.Stopped != "":
			found.Dependencies["projections"] = fmt.Sprintf("%s stands still: %s", s.Name, s.Stopped)
		case s.Generation == 0 && s.Group == projections.GroupCore: // what else is filled for the first time is not missed by most
			found.Dependencies["projections"] = fmt.Sprintf("%s is being filled for the first time", s.Name)
		case lag.Seconds > Tolerated.Seconds() && h.clock().Sub(s.Moved) > Tolerated:
			found.Dependencies["projections"] = fmt.Sprintf("%s does not move although facts wait for it since %.0f s", s.Name, lag.Seconds)
		}
	}
	found.Embedding = h.vectors.Look(ctx)
	return found
}

func (h health) of(s engine.Status, lag serverapi.Lag, head events.Position) serverapi.ProjectionHealth {
	p := serverapi.ProjectionHealth{
		Name: s.Name, Group: s.Group, Version: s.Version, Generation: s.Generation, Lag: lag, Filling: s.Filling, Stopped: s.Stopped,
	}
	if s.Filling != 0 && head != 0 {
		p.Progress = min(1, float64(s.Filled)/float64(head))
	}
	if s.Generation != 0 {
		p.Position = events.Token{Log: h.log, Position: s.Position}.String()
	}
	return p
}

// projections measures each projection's lag.
func (h health) projections(ctx context.Context) []telemetry.Lag {
	lagAt := h.lags(ctx)
	var all []telemetry.Lag
	for _, s := range h.feed.Status() {
		l := lagAt(s.Position)
		all = append(all, telemetry.Lag{Projection: s.Name, Group: s.Group, Events: l.Events, Seconds: l.Seconds, Stopped: s.Stopped != ""})
	}
	return all
}

// lags is lag, counted once for each position: most projections are at the same.
func (h health) lags(ctx context.Context) func(events.Position) serverapi.Lag {
	counted := map[events.Position]serverapi.Lag{}
	return func(p events.Position) serverapi.Lag {
		if _, ok := counted[p]; !ok {
			counted[p] = h.lag(ctx, p)
		}
		return counted[p]
	}
}

// lag counts what lies after a position, and tells how long the first of it has been waiting. An event store that is away
// is said elsewhere.
func (h health) lag(ctx context.Context, p events.Position) (l serverapi.Lag) {
	for e, err := range h.store.ReadAll(ctx, p, events.Forwards, events.Filter{}) {
		if err != nil {
			return l
		}
		if l.Events == 0 {
			l.Seconds = max(0, h.clock().Sub(e.Created).Seconds())
		}
		if l.Events == counted {
			l.More = true
			return l
		}
		l.Events++
	}
	return l
}
