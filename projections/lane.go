package projections

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

// lane commits the rows of some generations of one group together, over a connection of its own. One that is behind the
// others gets what they have already, and it alone. It lasts as long as a session.
type lane struct {
	feed        *Feed
	group       *group
	generations []*generation
	queue       *queue
	conn        *pgx.Conn
	at          events.Position // everything up to here is committed and told
}

func newLane(f *Feed, g *group, gens []*generation) *lane {
	g.resume(gens)
	l := &lane{feed: f, group: g, generations: gens, queue: &queue{stream: f.stream}}
	// What was committed without anybody being told, as when the answer to a commit was lost, is read again to be told.
	l.at = g.pushed
	for _, gen := range gens {
		l.at = min(l.at, gen.position)
	}
	return l
}

func (l *lane) run(ctx context.Context, config *pgx.ConnConfig) error {
	config = config.Copy()
	config.RuntimeParams["search_path"] = l.searchPath()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer disconnect(conn)
	l.conn = conn
	defer l.queue.leave()
	defer context.AfterFunc(ctx, l.feed.stream.wake)()
	err = l.advance(ctx)
	if r, ok := isRefusal(err); ok {
		l.group.stop(r)
		l.feed.Logger.Error("projections stopped", "group", l.group.name, "type", r.event.Event.EventType(),
			"position", r.event.Position, "stream", r.event.Stream, "reason", r.reason)
		return nil
	}
	return err
}

func (l *lane) searchPath() string {
	var path []string
	for _, g := range l.generations {
		path = append(path, pgx.Identifier{g.schema()}.Sanitize())
	}
	return strings.Join(append(path, "public"), ", ")
}

// advance commits event after event until something fails.
func (l *lane) advance(ctx context.Context) error {
	for ctx.Err() == nil {
		if !l.queue.follow(l.at) {
			if err := l.catchUp(ctx); err != nil {
				return err
			}
		}
		for batch := l.queue.take(ctx); len(batch) > 0; batch = l.queue.take(ctx) {
			if err := l.commit(ctx, batch); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// catchUp reads for itself until the lane follows the stream. Until then there is always more to come, so that no batch
// waits to become full.
func (l *lane) catchUp(ctx context.Context) error {
	var batch []events.Recorded
	bytes := 0
	for e, err := range l.feed.Store.Subscribe(ctx, l.at, events.Filter{}) {
		if err == nil {
			batch = append(batch, e)
			bytes += weight(e.Event)
		}
		following := err == nil && l.queue.follow(e.Position)
		if following || err != nil || len(batch) == batchEvents || bytes >= batchBytes {
			if err := l.commit(ctx, batch); err != nil {
				return err
			}
			batch, bytes = nil, 0
		}
		if following {
			return nil
		}
	}
	return ctx.Err()
}

// commit writes a batch, or as much of it as precedes a fact that is refused.
func (l *lane) commit(ctx context.Context, batch []events.Recorded) error {
	batch = batch[l.past(batch):]
	err := l.write(ctx, batch)
	if _, refused := isRefusal(err); !refused || len(batch) == 1 {
		return err
	}
	for i := range batch {
		if err := l.write(ctx, batch[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

// past counts the events that the lane has had.
func (l *lane) past(batch []events.Recorded) int {
	n := slices.IndexFunc(batch, func(e events.Recorded) bool { return e.Position > l.at })
	if n < 0 {
		return len(batch)
	}
	return n
}

// write commits rows and checkpoints in one transaction, and tells of it.
func (l *lane) write(ctx context.Context, batch []events.Recorded) error {
	if len(batch) == 0 {
		return nil
	}
	upTo := batch[len(batch)-1].Position
	var behind []*generation
	for _, g := range l.generations {
		if g.position < upTo {
			behind = append(behind, g)
		}
	}
	if len(behind) > 0 {
		if err := l.send(ctx, behind, batch, upTo); err != nil {
			return err
		}
		now := time.Now()
		for _, g := range behind {
			g.position, g.moved = upTo, now
		}
		l.group.moved(l.generations)
	}
	l.at = upTo
	l.tell(batch)
	return nil
}

// tell those who push, unless they know from before PostgreSQL went away.
func (l *lane) tell(batch []events.Recorded) {
	g := l.group
	news := slices.IndexFunc(batch, func(e events.Recorded) bool { return e.Position > g.pushed })
	if news < 0 {
		return
	}
	g.pushed = l.at
	if l.feed.Committed != nil {
		l.feed.Committed(g.name, batch[news:], l.at)
	}
}

// send is one round trip: statements without a BEGIN, sent together, are one transaction.
func (l *lane) send(ctx context.Context, behind []*generation, batch []events.Recorded, upTo events.Position) error {
	var (
		q             pgx.Batch
		numbers, olds []int64
	)
	for _, g := range behind {
		numbers, olds = append(numbers, g.number), append(olds, int64(g.position))
	}
	q.Queue(`select annals.advance($1, $2, $3)`, numbers, olds, int64(upTo))
	for _, e := range batch {
		for _, g := range behind {
			if g.position >= e.Position {
				continue
			}
			if err := apply(g, &q, e); err != nil {
				return &refusal{event: e, reason: err}
			}
		}
	}
	limited, cancel := context.WithTimeout(ctx, commitLimit)
	defer cancel()
	err := l.conn.SendBatch(limited, &q).Close()
	if err != nil && limited.Err() == nil && l.refused(err) {
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
func (l *lane) refused(err error) bool {
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		return !l.conn.IsClosed() // values that pgx cannot send
	}
	switch server.Code[:2] {
	case "0A", "21", "22", "23", "42", "54":
		return server.Code != "42P01"
	}
	return false
}
