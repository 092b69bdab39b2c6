package engine

import (
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// joinedRows is how many rows a statement for many takes at least.
const joinedRows = 4

// joiner sends writes of many rows in one statement each. What is written comes in stretches in which only the order of
// writes to one row matters; a stretch is sorted into runs of the same statement, and a run becomes one statement. Looking
// for conflicts in advance costs a third of an INSERT: it is done only for tables in which there has been one.
type joiner struct {
	conflicts map[string]bool // by table
	careful   bool            // looks for conflicts in every table
}

// conflicted takes note of an error that a row was there already, and reports whether doing the same again avoids it.
func (j *joiner) conflicted(err error) bool {
	var server *pgconn.PgError
	if !errors.As(err, &server) || server.Code != "23505" || j.conflicts[server.TableName] {
		return false
	}
	j.conflicts[server.TableName] = true
	return true
}

// add queues writes, and reports whether any were joined.
func (j *joiner) add(q *pgx.Batch, from []write) (joined bool) {
	for len(from) > 0 {
		n := stretch(from)
		for _, run := range runs(from[:n]) {
			s := run[0].statement
			if len(run) < joinedRows || s.many == "" {
				appendTo(q, run...)
				continue
			}
			sql := s.many
			if j.careful || j.conflicts[s.relation.name] {
				sql += s.conflict
			}
			q.Queue(sql, columnsOf(run)...)
			joined = true
		}
		from = from[n:]
	}
	return joined
}

// stretch is how many of the first writes may be exchanged with each other, unless they are about the same row. SQL of which
// nothing is known stands alone. So do, among those of other tables, writes on a condition, which may look at these.
func stretch(from []write) int {
	var met []*relation
	for n, w := range from {
		switch {
		case w.relation == nil:
			return max(n, 1)
		case slices.Contains(met, w.relation):
		case len(met) > 0 && (w.relation.condition != "" || met[0].condition != ""):
			return n
		default:
			met = append(met, w.relation)
		}
	}
	return len(from)
}

// rowKey names a row.
type rowKey struct {
	relation *relation
	values   [3]any
}

func (w write) row() rowKey {
	k := rowKey{relation: w.relation}
	for i, arg := range w.key {
		k.values[i] = w.args[arg]
	}
	return k
}

// runs are the writes of a stretch, those of the same statement together. Those of one row stay in order, each time in another
// run, except that a run may have a row twice which it leaves as it is.
func runs(stretch []write) (all [][]write) {
	first := stretch[0].statement
	if first.relation == nil || first.ignores && !slices.ContainsFunc(stretch, func(w write) bool { return w.statement != first }) {
		return [][]write{stretch}
	}
	open, last := map[*statement]int{}, map[rowKey]int{}
	for _, w := range stretch {
		run, ok := open[w.statement]
		row := w.row()
		if before, written := last[row]; !ok || written && (before > run || before == run && !w.ignores) {
			run = len(all)
			open[w.statement], all = run, append(all, nil)
		}
		all[run], last[row] = append(all[run], w), run
	}
	return all
}

// columnsOf are the arguments of a run, as arrays.
func columnsOf(run []write) []any {
	out := make([]any, len(run[0].args))
	for i := range out {
		column := make(pgtype.FlatArray[any], len(run)) // a slice pgx would look through by reflection
		for n, w := range run {
			column[n] = w.args[i]
		}
		out[i] = column
	}
	return out
}
