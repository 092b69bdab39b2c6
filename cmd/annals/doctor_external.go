package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"annals/cmd/internal/node"
	"annals/events"
	"annals/events/esdb"
	"annals/projections/engine"
)

// knock bounds the doctor's wait for what is elsewhere.
const knock = 5 * time.Second

// elsewhere looks at the database, the event store and the model that are not embedded.
func (d *Doctor) elsewhere(ctx context.Context, path string) []finding {
	ctx, cancel := context.WithTimeout(ctx, knock)
	defer cancel()
	var found []finding
	if d.PostgresURL != "" {
		found = append(found, atDatabase(ctx, d.PostgresURL)...)
	}
	if d.EventStoreURL != "" {
		found = append(found, d.atEventStore(ctx, path)...)
	}
	if settings, err := d.Models().Probe(ctx); err != nil {
		found = append(found, finding{err.Error(), "correct " + strings.Join(settings, ", ") + "; without them agents speak with the embedded classic"})
	}
	return found
}

// atDatabase needs a database in which schemas may be made, and a pgvector that scans iteratively: 0.8.
func atDatabase(ctx context.Context, url string) []finding {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return []finding{{"the PostgreSQL of POSTGRES_URL cannot be reached: " + err.Error(), "start it, or correct POSTGRES_URL; without it annals runs one of its own"}}
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var may bool
	var vectors string
	err = conn.QueryRow(ctx, `select has_database_privilege(current_database(), 'create'),
	coalesce((select coalesce(installed_version, default_version) from pg_available_extensions where name = 'vector'), '')`).Scan(&may, &vectors)
	if err != nil {
		return []finding{{"the PostgreSQL of POSTGRES_URL does not tell what it has: " + err.Error(), "read its log"}}
	}
	var found []finding
	if left, err := engine.Unfinished(ctx, conn); err == nil && len(left) > 0 { // there is no table before the first start
		found = append(found, finding{node.UnfinishedErasures(left), remedies["erasure"]})
	}
	if !may {
		found = append(found, finding{"the user of POSTGRES_URL may not make schemas", "grant create on database " + conn.Config().Database + " to " + conn.Config().User})
	}
	if !atLeast(vectors, 0, 8) {
		had := "no pgvector"
		if vectors != "" {
			had = "pgvector " + vectors
		}
		found = append(found, finding{"the PostgreSQL of POSTGRES_URL has " + had, "install pgvector 0.8 or later there, and then: alter extension vector update"})
	}
	return found
}

// atLeast compares a version such as 0.8.1.
func atLeast(version string, major, minor int) bool {
	parts := strings.SplitN(version+".0", ".", 3)
	first, err := strconv.Atoi(parts[0])
	second, secondErr := strconv.Atoi(parts[1])
	return errors.Join(err, secondErr) == nil && (first > major || first == major && second >= minor)
}

// atEventStore needs a log that is the one that the read models, or the chain in the data folder, were made from.
func (d *Doctor) atEventStore(ctx context.Context, path string) []finding {
	remedy := "start it, or correct EVENTSTORE_URL; without it annals has one of its own"
	store, err := esdb.Open(ctx, esdb.Options{URL: d.EventStoreURL, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return []finding{{err.Error(), remedy}}
	}
	defer func() { _ = store.Close(context.WithoutCancel(ctx)) }()
	if _, err := store.Head(ctx); err != nil {
		return []finding{{"the event store of EVENTSTORE_URL does not answer: " + err.Error(), remedy}}
	}
	mark, _ := node.LastMark(ctx, d.PostgresURL, path) // that the database is away is said elsewhere
	if err := store.Expect(ctx, mark); errors.Is(err, events.ErrOtherLog) {
		return []finding{{err.Error(), "correct EVENTSTORE_URL, restore the newest backup there, or accept what was lost with annals rebuild --all"}}
	}
	return nil
}

// port is asked for when no server of ours runs: a start would need it.
func (d *Doctor) port(ctx context.Context) []finding {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(d.Host, strconv.Itoa(d.Port)))
	if err == nil {
		_ = l.Close()
		return nil
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return []finding{{fmt.Sprintf("port %d of %s is taken", d.Port, d.Host), "stop whoever listens there, or set SERVER_PORT"}}
	}
	return []finding{{err.Error(), "correct SERVER_HOST and SERVER_PORT"}}
}
