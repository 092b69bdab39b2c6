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

// joiner turns many writes into few statements. It takes the writes in stretches, within which only the order of what touches one
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

// stretch counts the leading writes that commute unless one touches a row that the other writes. The SQL of Exec commutes with
// nothing.
func stretch(from []write) int {
	for n, w := range from {
		if w.relation == nil {
			return max(n, 1)
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

// in identifies the row that a write reads.
func (k readKey) in(w write) rowKey {
	row := rowKey{k.relation, k.texts}
	for i, arg := range k.args {
		if arg >= 0 {
			row.values[i] = w.args[arg]
		}
	}
	return row
}

// schedule finds the run of each write: the last run of its statement, or a new one.
type schedule struct {
	runs        [][]write
	open        map[*statement]int
	writes      map[rowKey]int     // the last run that writes a row
	reads       map[rowKey]int     // the last run that reads it
	read, wrote map[*relation]bool // in the whole stretch
}

// runs groups the writes of a stretch by statement. A write that touches a row is in a later run than the one that wrote the row
// before, and than those that read it before, if it writes it; a statement that ignores existing rows may have a row twice in one
// run.
func runs(stretch []write) (all [][]write) {
	first := stretch[0].statement
	if first.relation == nil || first.ignores && !slices.ContainsFunc(stretch, func(w write) bool { return w.statement != first }) {
		return [][]write{stretch}
	}
	s := schedule{
		open: map[*statement]int{}, writes: map[rowKey]int{}, reads: map[rowKey]int{}, read: map[*relation]bool{}, wrote: map[*relation]bool{},
	}
	for _, w := range stretch {
		s.wrote[w.relation] = true
		for _, r := range w.reads {
			s.read[r.relation] = true
		}
	}
	for _, w := range stretch {
		s.add(w)
	}
	return s.runs
}

func (s *schedule) add(w write) {
	run, ok := s.open[w.statement]
	row := w.row()
	if before, written := s.writes[row]; written && (before > run || before == run && !w.ignores) {
		ok = false
	}
	if s.read[w.relation] {
		if before, read := s.reads[row]; read && before > run {
			ok = false
		}
	}
	for _, r := range w.reads {
		if s.wrote[r.relation] {
			if before, written := s.writes[r.in(w)]; written && before > run {
				ok = false
			}
		}
	}
	if !ok {
		run = len(s.runs)
		s.open[w.statement], s.runs = run, append(s.runs, nil)
	}
	s.runs[run] = append(s.runs[run], w)
	s.writes[row] = run
	for _, r := range w.reads {
		if s.wrote[r.relation] {
			key := r.in(w)
			s.reads[key] = max(run, s.reads[key])
		}
	}
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
