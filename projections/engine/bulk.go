package engine

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Writing many rows costs PostgreSQL about half as much in one statement as in one statement each. So a run of the same
// INSERT or UPDATE, which is what a rebuild consists of, is sent as one that takes its rows from arrays.

// oneRow is an INSERT of one row, perhaps on the condition that there is no other. What it does on a conflict may only speak
// of the row that was to be inserted, and the condition only of what other statements write. oneUpdate is an UPDATE of the
// row with an id, perhaps on a condition.
var (
	oneRow = regexp.MustCompile(`(?s)^\s*(insert into (\w+) \([^()]*\))\s*` +
		`(?:values \(([^()]*)\)|select (.*?)\s(where not exists .*?))\s*(on conflict [^$]*)?$`)
	oneUpdate = regexp.MustCompile(`(?s)^\s*(update \w+ set .*?)\s(where id = \$1\b.*)$`)
	// rowByID is either, of the row whose id comes first.
	rowByID     = regexp.MustCompile(`(?s)^\s*(?:insert into (\w+) \(id\b[^()]*\)\s*(?:values \(|select )\$1\b|update (\w+) set .*?\swhere id = \$1\b)`)
	word        = regexp.MustCompile(`\w+`)
	placeholder = regexp.MustCompile(`\$(\d+)`)
)

// bulk turns runs of INSERTs and UPDATEs into single ones, over one connection. Looking for conflicts in advance costs a third
// of an INSERT: it is done only for tables in which there has been one.
type bulk struct {
	joiner
	conn   *pgx.Conn
	forms  map[string]form // of one row to of many; empty where there is no such form
	writes map[string]rowWrite
}

// form is a statement for many rows; clause is what an INSERT does on a conflict.
type form struct{ table, sql, clause string }

func newBulk(conn *pgx.Conn) *bulk {
	return &bulk{joiner: joiner{map[string]bool{}}, conn: conn, forms: map[string]form{}, writes: map[string]rowWrite{}}
}

// add queues what was queued in from, and tells whether anything was joined.
func (b *bulk) add(ctx context.Context, q *pgx.Batch, from []write) (joined bool, err error) {
	for len(from) > 0 {
		n := slices.IndexFunc(from, func(w write) bool { return w.relation == nil })
		if n != 0 {
			if n < 0 {
				n = len(from)
			}
			joined = b.joiner.add(q, from[:n]) || joined
			from = from[n:]
			continue
		}
		if n = slices.IndexFunc(from, func(w write) bool { return w.relation != nil }); n < 0 {
			n = len(from)
		}
		n = b.stretch(from[:n])
		for _, run := range b.runs(from[:n]) {
			var f form
			if len(run) >= joinedRows {
				if f, err = b.form(ctx, run[0].one); err != nil {
					return joined, err
				}
			}
			if f.sql == "" {
				appendTo(q, run...)
				continue
			}
			if b.conflicts[f.table] {
				f.sql += f.clause
			}
			q.Queue(f.sql, columnsOf(run)...)
			joined = true
		}
		from = from[n:]
	}
	return joined, nil
}

// stretch is how many of the first statements are alike or, of those that each write one row by its id, touch nothing but that
// row of what the others write.
func (b *bulk) stretch(from []write) int {
	first := b.rowWrite(from[0].one)
	met := map[string]rowWrite{from[0].one: first}
	for n, q := range from {
		if _, ok := met[q.one]; ok {
			continue
		}
		next := b.rowWrite(q.one)
		for _, k := range met {
			if !k.apart(next) {
				return n
			}
		}
		met[q.one] = next
	}
	return len(from)
}

// rowWrite is what is known of a statement that writes the row whose id is its first argument, and does not look at others of the
// table; its table is empty where it is another.
type rowWrite struct {
	table string
	words map[string]bool // which it consists of
}

func (b *bulk) rowWrite(sql string) rowWrite {
	if known, ok := b.writes[sql]; ok {
		return known
	}
	var k rowWrite
	if byID := rowByID.FindStringSubmatch(sql); byID != nil {
		k = rowWrite{byID[1] + byID[2], map[string]bool{}}
		for _, w := range word.FindAllString(sql, -1) {
			if w == k.table && k.words[w] {
				k = rowWrite{}
				break
			}
			k.words[w] = true
		}
	}
	b.writes[sql] = k
	return k
}

// apart tells that it does not matter which of two statements comes first, unless they are about the same row.
func (w rowWrite) apart(from rowWrite) bool {
	return w.table != "" && from.table != "" && (w.table == from.table || !w.words[from.table] && !from.words[w.table])
}

// runs are the statements of a stretch, those that are alike together. What is written of one row by its id stays in order,
// each time in another run.
func (b *bulk) runs(stretch []write) (all [][]write) {
	if b.rowWrite(stretch[0].one).table == "" {
		return [][]write{stretch}
	}
	open, last := map[string]int{}, map[any]int{} // by SQL, and by id
	for _, q := range stretch {
		run, ok := open[q.one]
		if before, written := last[q.args[0]]; !ok || written && before >= run {
			run = len(all)
			open[q.one], all = run, append(all, nil)
		}
		all[run], last[q.args[0]] = append(all[run], q), run
	}
	return all
}

// form is the statement for many rows.
func (b *bulk) form(ctx context.Context, sql string) (form, error) {
	if f, ok := b.forms[sql]; ok {
		return f, nil
	}
	b.forms[sql] = form{}
	insert, update := oneRow.FindStringSubmatch(sql), oneUpdate.FindStringSubmatch(sql)
	if insert == nil && (update == nil || b.rowWrite(sql).table == "") {
		return form{}, nil
	}
	described, err := b.conn.Prepare(ctx, "", sql)
	if err != nil {
		return form{}, err
	}
	var fields []string
	for i, oid := range described.ParamOIDs {
		t, known := b.conn.TypeMap().TypeForOID(oid)
		if !known || strings.HasPrefix(t.Name, "_") {
			return form{}, nil // arrays of arrays would become one flat array
		}
		fields = append(fields, fmt.Sprintf("unnest($%[1]d::%[2]s[]) as p%[1]d", i+1, t.Name))
	}
	rows := fmt.Sprintf("from (select %s) as row", strings.Join(fields, ", ")) // in step; unnest of all would store each of them first
	each := func(sql string) string { return placeholder.ReplaceAllString(sql, "row.p$1") }
	var f form
	if insert != nil {
		f.sql = fmt.Sprintf("%s select %s %s %s ", insert[1], each(insert[3]+insert[4]), rows, each(insert[5]))
		f.table, f.clause = insert[2], insert[6]
	} else {
		f.sql = fmt.Sprintf("%s %s %s", each(update[1]), rows, each(update[2]))
	}
	b.forms[sql] = f
	return f, nil
}
