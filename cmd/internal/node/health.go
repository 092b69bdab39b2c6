package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
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
	// probe bounds the look at each part.
	probe = 2 * time.Second
	// Tolerated is how long a fact may wait for a projection before that is unhealthy.
	Tolerated = 10 * time.Second
	// counted bounds how many events of a lag are counted.
	counted = 1000
)

// health looks at what the server stands on.
type health struct {
	log      uuid.UUID
	store    *esdb.Store
	codec    *events.Codec
	database *pgxpool.Pool
	feed     *engine.Feed
	vectors  Vectors
}

// check looks at all parts at the same time, each within a limit of its own: a part that hangs is not taken for another one.
func (h health) check(ctx context.Context) serverapi.Health {
	var (
		parts     sync.WaitGroup
		store     string
		database  string
		erasure   string
		keys      string
		head      events.Position
		lags      map[events.Position]serverapi.Lag
		embedding *serverapi.EmbeddingHealth
		status    = h.feed.Status()
	)
	look := func(part func(context.Context)) {
		parts.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, probe)
			defer cancel()
			part(ctx)
		})
	}
	look(func(ctx context.Context) { head, store = h.eventStore(ctx) })
	look(func(ctx context.Context) { database, erasure = h.postgres(ctx) })
	look(func(ctx context.Context) { keys = h.keys(ctx) })
	look(func(ctx context.Context) { lags = h.lags(ctx, status) })
	look(func(ctx context.Context) { embedding = h.vectors.Look(ctx) })
	parts.Wait()
	found := serverapi.Health{Embedding: embedding, Dependencies: map[string]string{"eventstore": store, "postgres": database, "projections": ""}}
	if erasure != "" {
		found.Dependencies["erasure"] = erasure
	}
	if keys != "" {
		found.Dependencies["keys"] = keys
	}
	for _, s := range status {
		lag := lags[s.Position]
		found.Projections = append(found.Projections, h.of(s, lag, head))
		switch {
		case s.Stopped != "":
			found.Dependencies["projections"] = fmt.Sprintf("%s stands still: %s", s.Name, s.Stopped)
		case s.Generation == 0 && s.Group == projections.GroupCore: // what else is filled for the first time is not missed by most
			found.Dependencies["projections"] = fmt.Sprintf("%s is being filled for the first time", s.Name)
		case lag.Seconds > Tolerated.Seconds() && time.Since(s.Moved) > Tolerated:
			found.Dependencies["projections"] = fmt.Sprintf("%s does not move although facts wait for it since %.0f s", s.Name, lag.Seconds)
		}
	}
	return found
}

// eventStore returns the head of the log, and what keeps the event store from taking or giving events.
func (h health) eventStore(ctx context.Context) (head events.Position, ill string) {
	head, err := h.store.Head(ctx)
	if err == nil {
		err = h.store.Writable(ctx)
	}
	switch {
	case err == nil:
		return head, ""
	case errors.Is(err, events.ErrFull):
		return head, "the event store takes no writes: its disk is full, or no file can be made; its log names what is missing"
	case errors.Is(err, events.ErrOtherLog):
		return head, err.Error()
	case errors.Is(err, events.ErrUnavailable):
		return head, "the event store does not answer"
	}
	return head, "the event store refuses writes"
}

// keys returns which keys are lost.
func (h health) keys(ctx context.Context) string {
	all, more, err := h.codec.Lost(ctx)
	if err != nil {
		return "the keys cannot be read"
	}
	return LostKeys(all, more)
}

// postgres returns what is wrong with the database, and with what it holds of persons who are erased.
func (h health) postgres(ctx context.Context) (ill, erasure string) {
	if err := h.database.Ping(ctx); err != nil {
		return "PostgreSQL does not answer", ""
	}
	left, err := engine.Unfinished(ctx, h.database)
	if err != nil { // no read models yet, which is said of the projections
		return "", ""
	}
	return "", UnfinishedErasures(left)
}

// UnfinishedErasures names the subjects with rows left, and the remedy; it is empty where there are none.
func UnfinishedErasures(left []uuid.UUID) string {
	if len(left) == 0 {
		return ""
	}
	return fmt.Sprintf("rows may still show the text of %d subjects whose erasure was not finished: repeat annals erase %s", len(left), left[0])
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
	status := h.feed.Status()
	lags := h.lags(ctx, status)
	var all []telemetry.Lag
	for _, s := range status {
		l := lags[s.Position]
		all = append(all, telemetry.Lag{Projection: s.Name, Group: s.Group, Events: l.Events, Seconds: l.Seconds, Stopped: s.Stopped != ""})
	}
	return all
}

// lags counts once for each position: most projections are at the same.
func (h health) lags(ctx context.Context, status []engine.Status) map[events.Position]serverapi.Lag {
	counted := map[events.Position]serverapi.Lag{}
	for _, s := range status {
		if _, ok := counted[s.Position]; !ok {
			counted[s.Position] = h.lag(ctx, s.Position)
		}
	}
	return counted
}

// lag counts what lies after a position, and tells how long the first of it has been waiting. An event store that is away
// is said elsewhere.
func (h health) lag(ctx context.Context, p events.Position) (l serverapi.Lag) {
	for e, err := range h.store.ReadAll(ctx, p, events.Forwards, events.Filter{}) {
		if err != nil {
			return l
		}
		if l.Events == 0 {
			l.Seconds = max(0, time.Since(e.Created).Seconds())
		}
		if l.Events == counted {
			l.More = true
			return l
		}
		l.Events++
	}
	return l
}
