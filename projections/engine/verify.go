package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// Compared is what Verify has looked at.
type Compared struct{ Tables, Rows, Differences int }

// named is how many differences of one table are named.
const named = 5

// Verify builds what this build shows anew from the log, in scratch schemas, up to where it is, and holds the two against
// each other row by row. Differences are told one by one. The feed may go on meanwhile: what is shown is looked at as it was
// at the beginning.
func Verify(ctx context.Context, o Options, tell func(string), report func(Progress)) (c Compared, err error) {
	conn, err := o.connect(ctx)
	if err != nil {
		return c, err
	}
	defer disconnect(ctx, conn)
	before, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return c, err
	}
	defer func() { _ = before.Rollback(context.WithoutCancel(ctx)) }()
	shown, err := shownTo(ctx, before, o.Projections)
	if err != nil {
		return c, err
	}
	for _, p := range o.Projections {
		if !slices.ContainsFunc(shown, func(g *generation) bool { return g.Name == p.Name }) {
			tell(fmt.Sprintf("%s: nothing is shown: it is being filled, or was never", p.Name))
			c.Differences++
		}
	}
	for _, at := range slices.Sorted(maps.Keys(byPosition(shown))) {
		v := &verification{Options: o, shown: before, at: at, gens: byPosition(shown)[at], tell: tell, report: report, found: &c}
		if err := v.run(ctx, conn.Config()); err != nil {
			return c, err
		}
	}
	return c, nil
}

// shownTo are the generations that a build with these projections reads.
func shownTo(ctx context.Context, tx pgx.Tx, ps []Projection) ([]*generation, error) {
	rows, err := tx.Query(ctx, `
select r.projection, g.generation, g.position from annals.readers r join annals.generations g using (generation)
where r.views = $1 and g.version = r.version order by 1`, Views(ps))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (*generation, error) {
		g := &generation{}
		err := row.Scan(&g.Name, &g.number, &g.position)
		for _, p := range ps {
			if p.Name == g.Name {
				g.Projection = p
			}
		}
		return g, err
	})
}

func byPosition(gens []*generation) map[events.Position][]*generation {
	all := map[events.Position][]*generation{}
	for _, g := range gens {
		all[g.position] = append(all[g.position], g)
	}
	return all
}

// verification holds the generations that are at one position against a scratch schema.
type verification struct {
	Options
	shown  pgx.Tx // sees what was shown at the beginning
	at     events.Position
	gens   []*generation
	tell   func(string)
	report func(Progress)
	found  *Compared
}

func (v *verification) run(ctx context.Context, config *pgx.ConnConfig) (err error) {
	scratch := "verify_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer disconnect(ctx, conn)
	defer func() {
		if dropErr := DropPast(context.WithoutCancel(ctx), conn, scratch); err == nil {
			err = dropErr
		}
	}()
	o := PastOptions{
		Postgres: v.Postgres, Past: Past{Schema: scratch, Log: v.Log, Until: fmt.Sprint(v.at)}, Head: v.at,
		Read: func(ctx context.Context, after events.Position) iter.Seq2[events.Recorded, error] {
			return upTo(v.at, v.Store.ReadAll(ctx, after, events.Forwards, events.Filter{}))
		},
	}
	for _, g := range v.gens {
		p := g.Projection
		p.Indexes = "" // rows are read in whole
		o.Projections = append(o.Projections, p)
	}
	if err := FillPast(ctx, o, v.report); err != nil {
		return err
	}
	for _, g := range v.gens {
		for _, rows := range g.Rows {
			if err := v.table(ctx, conn, g.schema(), scratch, rows); err != nil {
				return fmt.Errorf("compare %s: %w", rows.Name(), err)
			}
		}
	}
	return nil
}

// upTo ends a log at a position, inclusive.
func upTo(p events.Position, all iter.Seq2[events.Recorded, error]) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		for e, err := range all {
			if err == nil && e.Position > p || !yield(e, err) {
				return
			}
		}
	}
}

// keyed is a row, by its key.
type keyed struct{ key, row string }

// table merges the rows of both, in the order of their keys.
func (v *verification) table(ctx context.Context, conn *pgx.Conn, schema, scratch string, rows Rows) error {
	name, sql := rows.Name(), reading(rows)
	was, stop, err := rowsOf(ctx, v.shown, fmt.Sprintf(sql, pgx.Identifier{schema, name}.Sanitize()))
	if err != nil {
		return err
	}
	defer stop()
	should, stopToo, err := rowsOf(ctx, conn, fmt.Sprintf(sql, pgx.Identifier{scratch, name}.Sanitize()))
	if err != nil {
		return err
	}
	defer stopToo()
	v.found.Tables++
	differences := 0
	differ := func(format string, args ...any) {
		if differences++; differences <= named {
			v.tell(name + ": " + fmt.Sprintf(format, args...))
		}
	}
	a, err := was()
	b, errToo := should()
	for ; err == nil && errToo == nil && (a != nil || b != nil); v.found.Rows++ {
		switch {
		case b == nil || a != nil && a.key < b.key:
			differ("the row %s stands for nothing in the log", a.key)
			a, err = was()
		case a == nil || b.key < a.key:
			differ("the row %s is missing", b.key)
			b, errToo = should()
		default:
			if a.row != b.row {
				differ("the row %s is not what the log says in %s", a.key, strings.Join(columnsThatDiffer(a.row, b.row), ", "))
			}
			a, err = was()
			b, errToo = should()
		}
	}
	if differences > named {
		v.tell(fmt.Sprintf("%s: and %d rows more", name, differences-named))
	}
	v.found.Differences += differences
	if err == nil {
		err = errToo
	}
	return err
}

// reading selects keys and rows, in the order of the keys, from a table that is yet to be named.
func reading(rows Rows) string {
	var all, key []string
	for _, c := range rows.Columns() {
		all = append(all, c.Name)
		if c.Key {
			key = append(key, c.Name+"::text")
		}
	}
	return `select (array[` + strings.Join(key, ", ") + `])::text collate "C", row_to_json(r)::text
from (select ` + strings.Join(all, ", ") + ` from %s) r order by 1`
}

// rowsOf gives row after row, and nil at the end.
func rowsOf(ctx context.Context, q querier, sql string) (next func() (*keyed, error), stop func(), err error) {
	rows, err := q.Query(ctx, sql)
	if err != nil {
		return nil, nil, err
	}
	return func() (*keyed, error) {
		if !rows.Next() {
			return nil, rows.Err()
		}
		var k keyed
		return &k, rows.Scan(&k.key, &k.row)
	}, rows.Close, nil
}

// columnsThatDiffer names columns only: what is in them may be personal.
func columnsThatDiffer(x, y string) (names []string) {
	var a, b map[string]json.RawMessage
	if json.Unmarshal([]byte(x), &a) != nil || json.Unmarshal([]byte(y), &b) != nil {
		return []string{"some column"}
	}
	for _, name := range slices.Sorted(maps.Keys(b)) {
		if string(a[name]) != string(b[name]) {
			names = append(names, name)
		}
	}
	return names
}
