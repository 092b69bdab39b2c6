package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// generation is one filling of a projection's tables, from the first fact on, in a schema of its own.
type generation struct {
	Projection
	number   int64
	position events.Position // as far as its rows are committed
	moved    time.Time
}

func (g *generation) schema() string { return fmt.Sprintf("%s_g%d", g.Name, g.number) }

// bookkeeping is what is not a read model: how far each generation is, moved only from the value that was read. advance
// fails as a whole, with taken, when another node has moved one of the checkpoints.
const bookkeeping = `
create schema if not exists annals;
create table if not exists annals.checkpoints (
	generation bigint primary key generated always as identity,
	projection text not null,
	version    integer not null,
	grp        text not null,
	log        uuid not null,
	position   bigint not null,
	moved      timestamptz not null default now()
) with (fillfactor = 20);
create or replace function annals.advance(generations bigint[], olds bigint[], new bigint) returns void language plpgsql as $$
declare
	reached integer;
begin
	update annals.checkpoints c set position = new, moved = clock_timestamp()
	from unnest(generations, olds) as o(generation, position)
	where c.generation = o.generation and c.position = o.position;
	get diagnostics reached = row_count;
	if reached <> cardinality(generations) then
		raise exception 'another node has moved the checkpoint' using errcode = '` + taken + `';
	end if;
end $$`

// taken is the SQLSTATE of a checkpoint that is not where it was.
const taken = "AN001"

// prepareLock keeps nodes that start at once from preparing at once.
const prepareLock = `select pg_advisory_xact_lock(hashtextextended('annals.prepare', 0))`

// prepare finds the newest generation of each projection that was filled from this log, makes what is missing, and points
// the views of this build at them.
func prepare(ctx context.Context, conn *pgx.Conn, log uuid.UUID, ps []Projection) ([]*generation, error) {
	var all []*generation
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, sql := range []string{prepareLock, bookkeeping} {
			if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
				return err
			}
		}
		for _, p := range ps {
			g, err := latest(ctx, tx, log, p)
			if errors.Is(err, pgx.ErrNoRows) {
				g, err = begin(ctx, tx, log, p)
			}
			if err != nil {
				return fmt.Errorf("projection %s: %w", p.Name, err)
			}
			all = append(all, g)
		}
		return view(ctx, tx, Views(ps), all)
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the read models: %w", err)
	}
	return all, nil
}

func latest(ctx context.Context, tx pgx.Tx, log uuid.UUID, p Projection) (*generation, error) {
	g := &generation{Projection: p}
	err := tx.QueryRow(ctx, `
select generation, position, moved from annals.checkpoints
where projection = $1 and version = $2 and log = $3 and to_regnamespace(projection || '_g' || generation) is not null
order by generation desc limit 1`, p.Name, p.Version, log).Scan(&g.number, &g.position, &g.moved)
	return g, err
}

// begin makes an empty generation.
func begin(ctx context.Context, tx pgx.Tx, log uuid.UUID, p Projection) (*generation, error) {
	g := &generation{Projection: p}
	err := tx.QueryRow(ctx, `
insert into annals.checkpoints (projection, version, grp, log, position) values ($1, $2, $3, $4, 0)
returning generation, moved`, p.Name, p.Version, p.Group, log).Scan(&g.number, &g.moved)
	if err != nil {
		return nil, err
	}
	schema := pgx.Identifier{g.schema()}.Sanitize()
	for _, sql := range []string{
		"create schema " + schema,
		"set local search_path to " + schema + ", public",
		p.Tables,
		p.Indexes,
		"set local search_path to default",
	} {
		if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// view lets a build read its generations under the plain names of their tables.
func view(ctx context.Context, tx pgx.Tx, views string, all []*generation) error {
	if _, err := tx.Exec(ctx, "create schema if not exists "+views); err != nil {
		return err
	}
	for _, g := range all {
		rows, err := tx.Query(ctx, `select tablename from pg_tables where schemaname = $1`, g.schema())
		if err != nil {
			return err
		}
		tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, t := range tables {
			seen, kept := pgx.Identifier{views, t}.Sanitize(), pgx.Identifier{g.schema(), t}.Sanitize()
			if _, err := tx.Exec(ctx, "create or replace view "+seen+" as select * from "+kept); err != nil {
				return fmt.Errorf("view %s: %w", t, err)
			}
		}
	}
	return nil
}
