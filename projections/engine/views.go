package engine

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// prepare makes what this build reads from and fills: for each projection the newest generation that has caught up, and
// where there is none of its version, one to fill. Until that has caught up, an older version that offers the same columns
// is shown, or nothing.
func prepare(ctx context.Context, conn *pgx.Conn, log uuid.UUID, ps []Projection) error {
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, sql := range []string{bookkeeping, "create schema if not exists " + Views(ps)} {
			if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
				return err
			}
		}
		for _, p := range ps {
			if err := prepareOne(ctx, tx, log, Views(ps), p); err != nil {
				return fmt.Errorf("projection %s: %w", p.Name, err)
			}
		}
		if _, err := tx.Exec(ctx, present, Views(ps)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, changed)
		return err
	})
	if err != nil {
		return fmt.Errorf("prepare the read models: %w", err)
	}
	return nil
}

func prepareOne(ctx context.Context, tx pgx.Tx, log uuid.UUID, views string, p Projection) error {
	shown, err := newest(ctx, tx, log, p, true)
	if err != nil {
		return err
	}
	shape := shown
	if shown == nil {
		if shape, err = resumed(ctx, tx, log, p); err != nil {
			return err
		}
	}
	tables, err := tablesOf(ctx, tx, shape.schema())
	if err != nil {
		return err
	}
	if shown == nil {
		if shown, err = older(ctx, tx, log, p, tables); err != nil {
			return err
		}
	}
	return show(ctx, tx, views, p, tables, shown)
}

// older finds what may be shown until the generation of this build's version has caught up: the newest of another version
// with the same columns.
func older(ctx context.Context, tx pgx.Tx, log uuid.UUID, p Projection, tables []table) (*generation, error) {
	rows, err := tx.Query(ctx, `
select generation, version from annals.generations where projection = $1 and log = $2 and ready and not retired
order by version desc, generation desc`, p.Name, log)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*generation, error) {
		g := &generation{Projection: p}
		return g, row.Scan(&g.number, &g.filled)
	})
	if err != nil {
		return nil, err
	}
	for _, g := range found {
		had, err := tablesOf(ctx, tx, g.schema())
		if err != nil {
			return nil, err
		}
		if len(had) > 0 && offers(had, tables) {
			return g, nil
		}
	}
	return nil, nil
}

// show points the views of a build at a generation, or takes them away when there is none. Views that are right are left
// alone: whoever reads through them is not held up.
func show(ctx context.Context, tx pgx.Tx, views string, p Projection, tables []table, g *generation) error {
	var number *int64
	if g != nil {
		number = &g.number
	}
	var right bool
	err := tx.QueryRow(ctx, `
select exists (select from annals.readers where views = $1 and projection = $2 and version = $3 and generation = $4)
	and (select bool_and(to_regclass(quote_ident($1) || '.' || quote_ident(t)) is not null) from unnest($5::text[]) as t)`,
		views, p.Name, p.Version, number, names(tables)).Scan(&right)
	if err != nil || right {
		return err
	}
	for _, t := range tables {
		if err := showTable(ctx, tx, views, t, g); err != nil {
			return fmt.Errorf("view %s: %w", t.name, err)
		}
	}
	_, err = tx.Exec(ctx, `
insert into annals.readers (views, projection, version, generation) values ($1, $2, $3, $4)
on conflict (views, projection) do update set (version, generation, seen) = (excluded.version, excluded.generation, now())`,
		views, p.Name, p.Version, number)
	return err
}

func showTable(ctx context.Context, tx pgx.Tx, views string, t table, g *generation) error {
	view := pgx.Identifier{views, t.name}.Sanitize()
	if _, err := tx.Exec(ctx, "drop view if exists "+view); err != nil || g == nil {
		return err
	}
	var columns []string
	for _, c := range t.columns {
		columns = append(columns, pgx.Identifier{c.name}.Sanitize())
	}
	_, err := tx.Exec(ctx, "create view "+view+" as select "+strings.Join(columns, ", ")+" from "+
		pgx.Identifier{g.schema(), t.name}.Sanitize())
	return err
}

func names(tables []table) []string {
	out := []string{}
	for _, t := range tables {
		out = append(out, t.name)
	}
	return out
}

// plan is what the database says of the generations that concern a build.
type plan struct {
	shown   map[string]*generation // by projection; none where nothing can be shown yet
	filling map[string]*generation // what has yet to catch up, where what is shown is not of this build's version
}

func readPlan(ctx context.Context, conn *pgx.Conn, log uuid.UUID, ps []Projection) (plan, error) {
	rows, err := conn.Query(ctx, `
select r.projection, g.generation, g.version, g.position, g.moved, g.indexed, g.stopped, coalesce(g.generation = r.generation, false)
from annals.readers r join annals.generations g using (projection)
left join annals.generations s on s.generation = r.generation
where r.views = $1 and (g.generation = r.generation
	or s.version is distinct from r.version and g.version = r.version and g.log = $2 and not g.ready and not g.retired)
order by g.generation`, Views(ps), log)
	if err != nil {
		return plan{}, err
	}
	found := plan{shown: map[string]*generation{}, filling: map[string]*generation{}}
	var (
		g     generation
		shown bool
	)
	_, err = pgx.ForEachRow(rows, []any{&g.Name, &g.number, &g.filled, &g.position, &g.moved, &g.indexed, &g.stopped, &shown}, func() error {
		for _, p := range ps {
			if p.Name == g.Name {
				read := g
				read.Projection = p
				if shown {
					found.shown[p.Name] = &read
				} else {
					found.filling[p.Name] = &read
				}
			}
		}
		return nil
	})
	return found, err
}

// Bounds of how long a switch waits for those who read the views, and holds up those who project.
const (
	lockWait    = "1s"
	revealLimit = "10s"
)

// reveal shows generations that have caught up instead of those that were shown before, to every build that reads their
// version. None of them may be behind what was shown: catchUp brings them there while the older ones are held.
func reveal(ctx context.Context, conn *pgx.Conn, gens []*generation, catchUp func(events.Position) error) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, sql := range []string{
			"set local lock_timeout = '" + lockWait + "'",
			"set local idle_in_transaction_session_timeout = '" + revealLimit + "'",
			prepareLock,
		} {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		var reached events.Position
		for _, g := range gens {
			p, err := hold(ctx, tx, g)
			if err != nil {
				return err
			}
			reached = max(reached, p)
		}
		if err := catchUp(reached); err != nil {
			return err
		}
		for _, g := range gens {
			if err := revealOne(ctx, tx, g); err != nil {
				return fmt.Errorf("show generation %d of %s: %w", g.number, g.Name, err)
			}
		}
		if _, err := tx.Exec(ctx, `
update annals.generations set retired = true where ready and not retired
	and generation not in (select generation from annals.readers where generation is not null)`); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, changed)
		return err
	})
}

// hold keeps what is shown to the builds that read g's version from moving, and says how far it is.
func hold(ctx context.Context, tx pgx.Tx, g *generation) (p events.Position, err error) {
	rows, err := tx.Query(ctx, `
select g.position from annals.generations g
where g.generation in (select generation from annals.readers where projection = $1 and version = $2)
order by g.generation for update`, g.Name, g.Version)
	if err != nil {
		return 0, err
	}
	positions, err := pgx.CollectRows(rows, pgx.RowTo[events.Position])
	for _, other := range positions {
		p = max(p, other)
	}
	return p, err
}

func revealOne(ctx context.Context, tx pgx.Tx, g *generation) error {
	if _, err := tx.Exec(ctx, `update annals.generations set ready = true where generation = $1`, g.number); err != nil {
		return err
	}
	tables, err := tablesOf(ctx, tx, g.schema())
	if err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `select views from annals.readers where projection = $1 and version = $2 order by views`, g.Name, g.Version)
	if err != nil {
		return err
	}
	builds, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, views := range builds {
		if err := show(ctx, tx, views, g.Projection, tables, g); err != nil {
			return err
		}
	}
	return nil
}
