package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"annals/events"
)

// writer commits the rows of some generations together, over a connection of its own. One that is behind the others gets
// what they have already, and it alone.
type writer struct {
	generations []*generation
	conn        *pgx.Conn
	bulk        *bulk
	at          events.Position       // everything up to here is committed
	moved       func(events.Position) // is told of each commit
	// advance queues what moves the checkpoints from the values that were read.
	advance func(q *pgx.Batch, behind []*generation, olds []int64, upTo events.Position)
}

func advance(q *pgx.Batch, behind []*generation, olds []int64, upTo events.Position) {
	q.Queue(`select annals.advance($1, $2, $3)`, numbers(behind), olds, int64(upTo))
}

func openWriter(ctx context.Context, config *pgx.ConnConfig, gens []*generation, moved func(events.Position)) (*writer, error) {
	w := &writer{generations: gens, moved: moved, at: gens[0].position, advance: advance}
	for _, g := range gens {
		w.at = min(w.at, g.position)
	}
	config = config.Copy()
	config.RuntimeParams["search_path"] = searchPath(gens)
	var err error
	if w.conn, err = pgx.ConnectConfig(ctx, config); err != nil {
		return nil, err
	}
	for _, g := range gens {
		if g.Types == nil {
			continue
		}
		if err := g.Types(ctx, w.conn); err != nil {
			disconnect(ctx, w.conn)
			return nil, err
		}
	}
	w.bulk = newBulk(w.conn)
	return w, nil
}

func searchPath(gens []*generation) string {
	var path []string
	for _, g := range gens {
		if schema := (pgx.Identifier{g.schema()}).Sanitize(); !slices.Contains(path, schema) {
			path = append(path, schema)
		}
	}
	return strings.Join(append(path, "public"), ", ")
}

// commit writes a batch, or as much of it as precedes a fact that is refused.
func (w *writer) commit(ctx context.Context, batch []events.Recorded) error {
	batch = batch[w.past(batch):]
	err := w.write(ctx, batch)
	if _, refused := isRefusal(err); !refused || len(batch) == 1 {
		return err
	}
	for i := range batch {
		if err := w.write(ctx, batch[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

// past counts the events that the writer has had.
func (w *writer) past(batch []events.Recorded) int {
	n := slices.IndexFunc(batch, func(e events.Recorded) bool { return e.Position > w.at })
	if n < 0 {
		return len(batch)
	}
	return n
}

// write commits rows and checkpoints in one transaction.
func (w *writer) write(ctx context.Context, batch []events.Recorded) error {
	if len(batch) == 0 {
		return nil
	}
	upTo := batch[len(batch)-1].Position
	var behind []*generation
	for _, g := range w.generations {
		if g.position < upTo {
			behind = append(behind, g)
		}
	}
	joined, err := w.send(ctx, behind, batch, upTo, true)
	for joined && w.bulk.conflicted(err) {
		joined, err = w.send(ctx, behind, batch, upTo, true)
	}
	if joined && isRepeated(err) {
		_, err = w.send(ctx, behind, batch, upTo, false)
	}
	if err != nil {
		return err
	}
	now := time.Now()
	for _, g := range behind {
		g.position, g.moved = upTo, now
	}
	w.at = upTo
	w.moved(upTo)
	return nil
}

// isRepeated tells that the same row came twice in one statement, which only statements of their own can do.
func isRepeated(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && server.Code == "21000"
}

// send is one round trip: statements without a BEGIN, sent together, are one transaction. It tells whether statements were
// joined.
func (w *writer) send(
	ctx context.Context, behind []*generation, batch []events.Recorded, upTo events.Position, join bool,
) (joined bool, err error) {
	var (
		q    pgx.Batch
		olds []int64
	)
	for _, g := range behind {
		olds = append(olds, int64(g.position))
	}
	limited, cancel := context.WithTimeout(ctx, commitLimit)
	defer cancel()
	w.advance(&q, behind, olds, upTo)
	for _, g := range behind { // whose statements touch nothing of each other's
		var own pgx.Batch
		for _, e := range batch {
			if g.position >= e.Position {
				continue
			}
			if err := apply(g, &own, e); err != nil {
				return false, &refusal{event: e, reason: err}
			}
		}
		if !join {
			q.QueuedQueries = append(q.QueuedQueries, own.QueuedQueries...)
			continue
		}
		more, err := w.bulk.add(limited, &q, own.QueuedQueries)
		if err != nil {
			return false, w.judged(limited, err, batch)
		}
		joined = joined || more
	}
	return joined, w.judged(limited, w.conn.SendBatch(limited, &q).Close(), batch)
}

// judged makes a refusal of an error that will not pass.
func (w *writer) judged(ctx context.Context, err error, batch []events.Recorded) error {
	if err != nil && ctx.Err() == nil && w.refused(err) {
		return &refusal{event: batch[0], reason: err}
	}
	return err
}

// apply turns a panic of a projection into an error: the other groups go on.
func apply(g *generation, q *pgx.Batch, e events.Recorded) (err error) {
	if u, ok := e.Event.(events.Unknown); ok {
		return u.Reason
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("projection %s: %v", g.Name, p)
		}
	}()
	g.Apply(q, e)
	return nil
}

// refused tells an error that the same statements would meet again from one that passes. By the class of SQLSTATE:
// features, cardinality, data, constraints, names and syntax, limits; but a table that is missing is made again.
func (w *writer) refused(err error) bool {
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		return !w.conn.IsClosed() // values that pgx cannot send
	}
	switch server.Code[:2] {
	case "0A", "21", "22", "23", "42", "54":
		return server.Code != "42P01"
	}
	return false
}

func (w *writer) close(ctx context.Context) { disconnect(ctx, w.conn) }
