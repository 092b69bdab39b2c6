package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"annals/events"
)

// errElsewhere: another process fills the generation.
var errElsewhere = errors.New("another process fills it")

// Progress of a filling.
type Progress struct {
	Projections []string
	Position    events.Position // as far as the rows are committed
	Head        events.Position // of the log, when it was last looked at
	Events      int             // taken in this run
	Stage       string          // rows, indexes, catching up, done
}

// filling brings new generations to where the log is, and then into view: rows first, indexes when the rows are there.
type filling struct {
	*Feed
	conn        *pgx.Conn // makes the indexes, and shows
	generations []*generation
	committer   *committer
	next        func() []events.Recorded
	progress    Progress
	report      func(Progress)
	failed      error // why a past could not be read on
}

// fill fills generations that are not ready, from where an earlier attempt ended, and returns once they are shown. It can
// be cancelled, killed, frozen or cut off at any time: then another process goes on.
func (f *Feed) fill(ctx context.Context, config *pgx.ConnConfig, gens []*generation, report func(Progress)) error {
	locks, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer disconnect(ctx, locks)
	mine, err := exclusive(ctx, locks, numbers(gens))
	if err != nil {
		return err
	}
	if len(mine) < len(gens) {
		return errElsewhere
	}
	if _, err := locks.Exec(ctx, evict, mine); err != nil {
		return err
	}
	if ready, err := reread(ctx, locks, gens); ready || err != nil {
		return err
	}
	err = f.whileReached(ctx, func(ctx context.Context) error {
		return speaking(ctx, locks, func(ctx context.Context) error { return f.fillLocked(ctx, config, gens, report) })
	})
	if err != nil {
		return err
	}
	return release(ctx, locks, mine)
}

func (f *Feed) fillLocked(ctx context.Context, config *pgx.ConnConfig, gens []*generation, report func(Progress)) error {
	b := &filling{Feed: f, generations: gens, report: report}
	var err error
	if b.conn, err = connectWriting(ctx, config, gens); err != nil {
		return err
	}
	defer disconnect(ctx, b.conn)
	if b.committer, err = openCommitter(ctx, config, gens, func(events.Position) {}); err != nil {
		return err
	}
	defer b.committer.close(ctx)
	for _, g := range gens {
		b.progress.Projections = append(b.progress.Projections, g.Name)
	}
	var stop func()
	b.next, stop = ahead(ctx, f.batches, b.committer.at)
	defer stop()
	if err := b.run(ctx); err != nil {
		return fmt.Errorf("fill %s: %w", strings.Join(b.progress.Projections, ", "), err)
	}
	return nil
}

// speaking works while conn, which holds the locks for it, says something every tick: PostgreSQL ends the session of a process that
// is frozen or cut off, and the work ends when the session does.
func speaking(ctx context.Context, conn *pgx.Conn, work func(context.Context) error) error {
	if _, err := conn.Exec(ctx, mortal); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	var lost error
	var saying sync.WaitGroup
	saying.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(tick):
			}
			if err := ping(ctx, conn); err != nil {
				lost = fmt.Errorf("the session that holds the locks is lost: %w", err)
				cancel()
				return
			}
		}
	})
	err := work(ctx)
	close(done)
	saying.Wait()
	if err != nil && lost != nil {
		return lost
	}
	return err
}

func ping(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), turnLimit)
	defer cancel()
	return conn.Ping(ctx)
}

// reread takes the state of the generations as it is now that they are locked, and tells whether somebody else has been
// quicker.
func reread(ctx context.Context, conn *pgx.Conn, gens []*generation) (ready bool, err error) {
	for _, g := range gens {
		err := conn.QueryRow(ctx, `update annals.generations set stopped = '' where generation = $1 and not retired
returning position, indexed, ready`, g.number).Scan(&g.position, &g.indexed, &ready)
		if ready || err != nil {
			return ready, err
		}
	}
	return false, nil
}

// soon is how quickly the last stretch of the log has to be taken for the rest to be taken while others are held up.
const soon = time.Second

// run fills and shows. Up to a fact that is refused, the rows are shown only where there was nothing before.
func (b *filling) run(ctx context.Context) error {
	err := b.upToHead(ctx, stageRows)
	r, refused := isRefusal(err)
	if err != nil && !refused {
		return err
	}
	b.say(stageIndexes)
	for _, g := range b.generations {
		if err := b.index(ctx, g); err != nil {
			return fmt.Errorf("indexes of %s: %w", g.Name, err)
		}
	}
	for {
		since := time.Now()
		if !refused {
			err := b.upToHead(ctx, stageCatchingUp)
			if r, refused = isRefusal(err); err != nil && !refused {
				return err
			}
		}
		if time.Since(since) > soon {
			continue
		}
		var illegible error
		err := reveal(ctx, b.conn, b.generations, func(shown events.Position) error {
			if refused && shown > b.committer.at {
				return r
			}
			if shown > 0 && b.Legible != nil {
				illegible = b.Legible(ctx)
			}
			if illegible != nil {
				return illegible
			}
			return b.upTo(ctx, shown)
		})
		if err == nil {
			b.say(stageDone)
			return nil
		}
		if illegible != nil {
			return errors.Join(err, b.discard(ctx))
		}
		if !passes(err) {
			return err
		}
	}
}

// discard gives the generations up: the next filling begins anew.
func (b *filling) discard(ctx context.Context) error {
	_, err := b.conn.Exec(ctx, `update annals.generations set retired = true where generation = any ($1) and not ready`, numbers(b.generations))
	return err
}

// passes tells of an error that is due to others who hold a lock.
func passes(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && (server.Code == "55P03" || strings.HasPrefix(server.Code, "40"))
}

func (b *filling) upToHead(ctx context.Context, stage string) error {
	head, err := b.Store.Head(ctx)
	if err != nil {
		return err
	}
	b.progress.Head = head
	b.say(stage)
	return b.upTo(ctx, head)
}

// upTo takes batches until the rows are there up to a position that the log has reached.
func (b *filling) upTo(ctx context.Context, p events.Position) error {
	for b.committer.at < p {
		batch := b.next()
		if len(batch) == 0 {
			return ctx.Err()
		}
		if err := b.committer.commit(ctx, batch); err != nil {
			return err
		}
		b.progress.Events += len(batch)
		b.say(b.progress.Stage)
	}
	return nil
}

func (b *filling) say(stage string) {
	b.progress.Stage, b.progress.Position = stage, b.committer.at
	if b.report != nil {
		b.report(b.progress)
	}
}

// index makes the indexes of a generation, and remembers it.
func (b *filling) index(ctx context.Context, g *generation) error {
	if g.indexed {
		return nil
	}
	err := pgx.BeginFunc(ctx, b.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local maintenance_work_mem = '256MB'"); err != nil {
			return err
		}
		if err := within(ctx, tx, g, g.Indexes); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `update annals.generations set indexed = true where generation = $1`, g.number)
		return err
	})
	if err != nil {
		return err
	}
	g.indexed = true
	return analyze(ctx, b.conn, g.schema())
}

// analyze lets the planner know the tables of a schema, from a third of the rows that it would look at by default: that takes a
// fifth of the time, and is enough to find tables by their keys.
func analyze(ctx context.Context, conn *pgx.Conn, schema string) error {
	if _, err := conn.Exec(ctx, "set default_statistics_target = 30"); err != nil {
		return err
	}
	tables, err := tablesOf(ctx, conn, schema)
	for _, t := range tables {
		_, analyzeErr := conn.Exec(ctx, "analyze "+pgx.Identifier{schema, t.name}.Sanitize())
		err = errors.Join(err, analyzeErr)
	}
	return err
}
