package engine

import (
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// joinedRows is the least number of rows that are sent in one statement.
const joinedRows = 4

// joiner turns many writes into few statements. It takes the writes in stretches, within which only the order of writes to one
// row matters, sorts each stretch into runs of the same statement, and sends a run as one statement. An ON CONFLICT clause
// costs a third of an INSERT: at first there is none, and after a conflict every INSERT into that table has it.
type joiner struct {
	conflicts map[string]bool // the tables in which there was a conflict
	careful   bool            // uses ON CONFLICT for every table
}

// conflicted records a conflict, and reports whether sending the same writes again avoids it.
func (j *joiner) conflicted(err error) bool {
	var server *pgconn.PgError
	if !errors.As(err, &server) || server.Code != "23505" || j.conflicts[server.TableName] {
		return false
	}
	j.conflicts[server.TableName] = true
	return true
}

// add appends writes to a batch, and reports whether any were joined.
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

// stretch counts the leading writes that commute unless they write the same row. The SQL of Exec commutes with nothing, and a
// table with a condition not with other tables, since the condition may read them.
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

// rowKey identifies a row.
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

// runs groups the writes of a stretch by statement. Writes to one row stay in order, each in a later run than the one before;
// a statement that ignores existing rows may have a row twice in one run.
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

// columnsOf transposes the arguments of a run into one array for each column.
func columnsOf(run []write) []any {
	out := make([]any, len(run[0].args))
	for i := range out {
		column := make(pgtype.FlatArray[any], len(run)) // pgx reads any other slice by reflection
		for n, w := range run {
			column[n] = w.args[i]
		}
		out[i] = column
	}
	return out
}
