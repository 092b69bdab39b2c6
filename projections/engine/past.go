package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// Past is a set of read models as of some moment, in a schema of their own, which nothing moves any more.
type Past struct {
	Schema string
	Log    uuid.UUID
	// Until is the moment as it was asked for: a past is only ever gone on with as what it was begun as.
	Until string
	// Views names the build whose read models these are (see Views).
	Views    string
	Position events.Position // as far as its rows are committed
	Ready    bool            // it is there, whole
}

// PastOptions say what is to be filled from what.
type PastOptions struct {
	Postgres string
	Past     // without Position and Ready
	// Projections, in whatever groups, are filled together.
	Projections []Projection
	// Read yields what was recorded after a position, and ends where the past does.
	Read func(ctx context.Context, after events.Position) iter.Seq2[events.Recorded, error]
	Head events.Position // about as far as Read goes, for the progress
}

// What FindPast and FillPast answer besides success.
var (
	ErrNoPast    = errors.New("there is no such schema of past read models")
	ErrOtherPast = errors.New("the schema holds something else")
)

var pastName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,47}$`)

// reserved are schemas of our own, and of PostgreSQL.
var reserved = regexp.MustCompile(`^(pg_.*|public|information_schema|annals|vault|views_.*|.*_g[0-9]+)$`)

// pasts is what is known of past read models. advance_past moves a checkpoint as annals.advance does.
const pasts = prepareLock + `;
create schema if not exists annals;
create table if not exists annals.pasts (
	schema   text primary key,
	log      uuid not null,
	until    text not null,
	views    text not null,
	position bigint not null default 0,
	ready    boolean not null default false,
	begun    timestamptz not null default now()
);
create or replace function annals.advance_past(name text, old bigint, new bigint) returns void language plpgsql as $$
begin
	update annals.pasts set position = new where schema = name and position = old;
	if not found then
		raise exception 'another process has moved the checkpoint' using errcode = '` + taken + `';
	end if;
end $$`

// FindPast tells what a schema holds.
func FindPast(ctx context.Context, q interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}, schema string,
) (Past, error) {
	p := Past{Schema: schema}
	var there bool
	if err := q.QueryRow(ctx, `select to_regclass('annals.pasts') is not null`).Scan(&there); err != nil {
		return p, err
	}
	if !there {
		return p, fmt.Errorf("%w: %s", ErrNoPast, schema)
	}
	err := q.QueryRow(ctx, `
select log, until, views, position, ready from annals.pasts where schema = $1 and to_regnamespace(quote_ident(schema)) is not null`,
		schema).Scan(&p.Log, &p.Until, &p.Views, &p.Position, &p.Ready)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, fmt.Errorf("%w: %s", ErrNoPast, schema)
	}
	return p, err
}

// FillPast builds read models as of some moment in a schema of their own, beside everything else. It goes on with what an
// interrupted run left, and may be cancelled or killed at any time.
func FillPast(ctx context.Context, o PastOptions, report func(Progress)) error {
	if !pastName.MatchString(o.Schema) || reserved.MatchString(o.Schema) {
		return fmt.Errorf("%q is no name for a schema of past read models: small letters, digits and _, none of our own", o.Schema)
	}
	config, err := NewFeed(Options{Postgres: o.Postgres}).config()
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer disconnect(ctx, conn)
	var mine bool
	if err := conn.QueryRow(ctx, `select pg_try_advisory_lock(hashtext('annals.past'), hashtext($1))`, o.Schema).Scan(&mine); err != nil {
		return err
	}
	if !mine {
		return fmt.Errorf("%s: %w", o.Schema, errElsewhere)
	}
	gens, ready, err := beginPast(ctx, conn, o)
	if err != nil || ready {
		return err
	}
	return speaking(ctx, conn, func(ctx context.Context) error { return fillPast(ctx, config, gens, o, report) })
}

func fillPast(ctx context.Context, config *pgx.ConnConfig, gens []*generation, o PastOptions, report func(Progress)) error {
	b := &filling{generations: gens, report: report}
	var err error
	if b.conn, err = pgx.ConnectConfig(ctx, config); err != nil {
		return err
	}
	defer disconnect(ctx, b.conn)
	if b.committer, err = openCommitter(ctx, config, gens, func(events.Position) {}); err != nil {
		return err
	}
	defer b.committer.close(ctx)
	b.committer.advance = func(q *pgx.Batch, _ []*generation, olds []int64, upTo events.Recorded) {
		q.Queue(`select annals.advance_past($1, $2, $3)`, o.Schema, olds[0], int64(upTo.Position))
	}
	for _, g := range gens {
		b.progress.Projections = append(b.progress.Projections, g.Name)
	}
	b.progress.Head = o.Head
	return b.past(ctx, o)
}

// past fills, makes the indexes, and says that the past is there.
func (b *filling) past(ctx context.Context, o PastOptions) error {
	b.say(stageRows)
	next, stop := ahead(ctx, func(ctx context.Context, at events.Position) iter.Seq[[]events.Recorded] {
		return batchesOf(o.Read(ctx, at), &b.failed)
	}, b.committer.at)
	defer stop()
	for batch := next(); len(batch) > 0; batch = next() {
		if err := b.committer.commit(ctx, batch); err != nil {
			return fmt.Errorf("fill %s: %w", o.Schema, err)
		}
		b.progress.Events += len(batch)
		b.say(stageRows)
	}
	if err := errors.Join(b.failed, ctx.Err()); err != nil {
		return fmt.Errorf("fill %s: %w", o.Schema, err)
	}
	b.progress.Head = b.committer.at // where it ends by time, the log goes on
	b.say(stageIndexes)
	err := pgx.BeginFunc(ctx, b.conn, func(tx pgx.Tx) error {
		for _, g := range b.generations {
			if err := within(ctx, tx, g, g.Indexes); err != nil {
				return fmt.Errorf("indexes of %s: %w", g.Name, err)
			}
		}
		_, err := tx.Exec(ctx, `update annals.pasts set ready = true where schema = $1`, o.Schema)
		return err
	})
	if err != nil {
		return err
	}
	b.say(stageDone)
	return analyze(ctx, b.conn, o.Schema)
}

// beginPast makes the schema, or finds what an earlier run has left.
func beginPast(ctx context.Context, conn *pgx.Conn, o PastOptions) (gens []*generation, ready bool, err error) {
	if _, err := conn.Exec(ctx, pasts, pgx.QueryExecModeSimpleProtocol); err != nil {
		return nil, false, err
	}
	found, err := FindPast(ctx, conn, o.Schema)
	for _, p := range o.Projections {
		gens = append(gens, &generation{Projection: p, filled: p.Version, into: o.Schema, position: found.Position, moved: time.Now()})
	}
	switch {
	case err == nil && (found.Log != o.Log || found.Until != o.Until || found.Views != o.Views):
		return nil, false, fmt.Errorf("%w: %s was filled until %s by %s from log %s: name another, or drop it (drop schema %s cascade)",
			ErrOtherPast, o.Schema, found.Until, found.Views, found.Log, o.Schema)
	case err == nil:
		return gens, found.Ready, nil
	case !errors.Is(err, ErrNoPast):
		return nil, false, err
	}
	return gens, false, pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "create schema "+pgx.Identifier{o.Schema}.Sanitize()); err != nil {
			return err
		}
		for _, g := range gens {
			if err := within(ctx, tx, g, g.Tables); err != nil {
				return fmt.Errorf("tables of %s: %w", g.Name, err)
			}
		}
		_, err := tx.Exec(ctx, `insert into annals.pasts (schema, log, until, views) values ($1, $2, $3, $4)
on conflict (schema) do update set (log, until, views, position, ready) = (excluded.log, excluded.until, excluded.views, 0, false)`,
			o.Schema, o.Log, o.Until, o.Views)
		return err
	})
}

// DropPast removes past read models.
func DropPast(ctx context.Context, conn *pgx.Conn, schema string) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "drop schema if exists "+pgx.Identifier{schema}.Sanitize()+" cascade"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `delete from annals.pasts where schema = $1`, schema)
		return err
	})
}

// batchesOf gathers events into what is committed at once. An error ends it, and is kept.
func batchesOf(all iter.Seq2[events.Recorded, error], failed *error) iter.Seq[[]events.Recorded] {
	return func(yield func([]events.Recorded) bool) {
		var batch []events.Recorded
		bytes := 0
		for e, err := range all {
			if err != nil {
				*failed = err
				return
			}
			batch = append(batch, e)
			if bytes += weight(e); len(batch) == batchEvents || bytes >= batchBytes {
				if !yield(batch) {
					return
				}
				batch, bytes = nil, 0
			}
		}
		if len(batch) > 0 {
			yield(batch)
		}
	}
}
