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
	pgxvector "github.com/pgvector/pgvector-go/pgx"

	"annals/events"
)

// committer commits the rows of some generations together, over a connection of its own. One that is behind the others gets
// what they have already, and it alone.
type committer struct {
	generations []*generation
	conn        *pgx.Conn
	joiner      joiner
	at          events.Position       // everything up to here is committed
	moved       func(events.Position) // is told of each commit
	// advance queues what moves the checkpoints from the values that were read.
	advance func(q *pgx.Batch, behind []*generation, olds []int64, upTo events.Recorded)
}

func advance(q *pgx.Batch, behind []*generation, olds []int64, upTo events.Recorded) {
	q.Queue(`select annals.advance($1, $2, $3, $4)`, numbers(behind), olds, int64(upTo.Position), upTo.ID)
}

func openCommitter(ctx context.Context, config *pgx.ConnConfig, gens []*generation, moved func(events.Position)) (*committer, error) {
	c := &committer{generations: gens, moved: moved, at: gens[0].position, advance: advance, joiner: joiner{conflicts: map[string]bool{}}}
	for _, g := range gens {
		c.at = min(c.at, g.position)
	}
	config = config.Copy()
	config.RuntimeParams["search_path"] = searchPath(gens)
	var err error
	if c.conn, err = connectWriting(ctx, config, gens); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(gens, func(g *generation) bool { return g.hasVectors() }) {
		if err := pgxvector.RegisterTypes(ctx, c.conn); err != nil {
			disconnect(ctx, c.conn)
			return nil, err
		}
	}
	return c, nil
}

// connectWriting connects to write generations. A process that takes the locks on them ends the connection (see evict).
func connectWriting(ctx context.Context, config *pgx.ConnConfig, gens []*generation) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, writing, numbers(gens)); err != nil {
		disconnect(ctx, conn)
		return nil, err
	}
	return conn, nil
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
func (c *committer) commit(ctx context.Context, batch []events.Recorded) error {
	batch = batch[c.past(batch):]
	err := c.write(ctx, batch)
	if _, refused := isRefusal(err); !refused || len(batch) == 1 {
		return err
	}
	for i := range batch {
		if err := c.write(ctx, batch[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

// past counts the events that the committer has had.
func (c *committer) past(batch []events.Recorded) int {
	n := slices.IndexFunc(batch, func(e events.Recorded) bool { return e.Position > c.at })
	if n < 0 {
		return len(batch)
	}
	return n
}

// write commits rows and checkpoints in one transaction.
func (c *committer) write(ctx context.Context, batch []events.Recorded) error {
	if len(batch) == 0 {
		return nil
	}
	last := batch[len(batch)-1]
	upTo := last.Position
	var behind []*generation
	for _, g := range c.generations {
		if g.position < upTo {
			behind = append(behind, g)
		}
	}
	joined, err := c.send(ctx, behind, batch, last, true)
	for joined && c.joiner.conflicted(err) {
		joined, err = c.send(ctx, behind, batch, last, true)
	}
	if joined && isRepeated(err) {
		_, err = c.send(ctx, behind, batch, last, false)
	}
	if err != nil {
		return err
	}
	now := time.Now()
	for _, g := range behind {
		g.position, g.moved = upTo, now
	}
	c.at = upTo
	c.moved(upTo)
	return nil
}

// isRepeated tells that the same row came twice in one statement, which only statements of their own can do.
func isRepeated(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && server.Code == "21000"
}

// send is one round trip: statements without a BEGIN, sent together, are one transaction. It tells whether statements were
// joined.
func (c *committer) send(
	ctx context.Context, behind []*generation, batch []events.Recorded, upTo events.Recorded, join bool,
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
	c.advance(&q, behind, olds, upTo)
	for _, g := range behind { // whose statements touch nothing of each other's
		own := NewWriter()
		for _, e := range batch {
			if g.position >= e.Position {
				continue
			}
			if err := apply(g, own, e); err != nil {
				return false, &refusal{event: e, reason: err}
			}
		}
		if !join {
			appendTo(&q, *own.writes...)
			continue
		}
		joined = c.joiner.add(&q, *own.writes) || joined
	}
	return joined, c.judged(limited, c.conn.SendBatch(limited, &q).Close(), batch)
}

// judged makes a refusal of an error that will not pass.
func (c *committer) judged(ctx context.Context, err error, batch []events.Recorded) error {
	if err != nil && ctx.Err() == nil && c.refused(err) {
		return &refusal{event: batch[0], reason: err}
	}
	return err
}

// apply turns a panic of a projection into an error: the other groups go on.
func apply(g *generation, w Writer, e events.Recorded) (err error) {
	if u, ok := e.Event.(events.Unknown); ok {
		return u.Reason
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("projection %s: %v", g.Name, p)
		}
	}()
	g.Apply(w, e)
	return nil
}

// refused tells an error that the same statements would meet again from one that passes. By the class of SQLSTATE:
// features, cardinality, data, constraints, names and syntax, limits; but a table that is missing is made again.
func (c *committer) refused(err error) bool {
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		return !c.conn.IsClosed() // values that pgx cannot send
	}
	switch server.Code[:2] {
	case "0A", "21", "22", "23", "42", "54":
		return server.Code != "42P01"
	}
	return false
}

func (c *committer) close(ctx context.Context) { disconnect(ctx, c.conn) }
