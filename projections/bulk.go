package projections

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Writing many rows costs PostgreSQL about half as much in one statement as in one statement each. So a run of the same
// INSERT or UPDATE, which is what a rebuild consists of, is sent as one that takes its rows from arrays.

// bulkRows is how long a run is at least.
const bulkRows = 4

// oneRow is an INSERT of one row, perhaps on the condition that there is no other. What it does on a conflict may only speak
// of the row that was to be inserted, and the condition only of what other statements write. oneUpdate is an UPDATE of the
// row with an id, perhaps on a condition.
var (
	oneRow = regexp.MustCompile(`(?s)^\s*(insert into \w+ \([^()]*\))\s*` +
		`(?:values \(([^()]*)\)|select (.*?)\s(where not exists .*?))\s*(on conflict [^$]*)?$`)
	oneUpdate   = regexp.MustCompile(`(?s)^\s*(update \w+ set .*?)\s(where id = \$1\b.*)$`)
	placeholder = regexp.MustCompile(`\$(\d+)`)
)

// bulk turns runs of INSERTs and UPDATEs into single ones, over one connection.
type bulk struct {
	conn    *pgx.Conn
	forms   map[string]string // of one row to of many; empty where there is no such form
	updates map[string]bool
}

func newBulk(conn *pgx.Conn) *bulk {
	return &bulk{conn: conn, forms: map[string]string{}, updates: map[string]bool{}}
}

// add queues what was queued in from, and tells whether anything was joined.
func (b *bulk) add(ctx context.Context, q *pgx.Batch, from []*pgx.QueuedQuery) (joined bool, err error) {
	for len(from) > 0 {
		n := b.run(from)
		form := ""
		if n >= bulkRows {
			if form, err = b.form(ctx, from[0].SQL); err != nil {
				return joined, err
			}
		}
		if form != "" {
			q.Queue(form, columns(from[:n])...)
			joined = true
		} else {
			q.QueuedQueries = append(q.QueuedQueries, from[:n]...)
		}
		from = from[n:]
	}
	return joined, nil
}

// run is how many of the first statements are alike, and update no row twice.
func (b *bulk) run(from []*pgx.QueuedQuery) int {
	update, known := b.updates[from[0].SQL]
	if !known {
		update = oneUpdate.MatchString(from[0].SQL)
		b.updates[from[0].SQL] = update
	}
	ids := map[any]bool{}
	for n, q := range from {
		if q.SQL != from[0].SQL || update && ids[q.Arguments[0]] {
			return n
		}
		if update {
			ids[q.Arguments[0]] = true
		}
	}
	return len(from)
}

// form is the statement for many rows.
func (b *bulk) form(ctx context.Context, sql string) (string, error) {
	if form, ok := b.forms[sql]; ok {
		return form, nil
	}
	b.forms[sql] = ""
	insert, update := oneRow.FindStringSubmatch(sql), oneUpdate.FindStringSubmatch(sql)
	if insert == nil && update == nil {
		return "", nil
	}
	described, err := b.conn.Prepare(ctx, "", sql)
	if err != nil {
		return "", err
	}
	var arrays, names []string
	for i, oid := range described.ParamOIDs {
		t, known := b.conn.TypeMap().TypeForOID(oid)
		if !known || strings.HasPrefix(t.Name, "_") {
			return "", nil // arrays of arrays would become one flat array
		}
		arrays = append(arrays, fmt.Sprintf("$%d::%s[]", i+1, t.Name))
		names = append(names, fmt.Sprintf("p%d", i+1))
	}
	rows := fmt.Sprintf("from unnest(%s) as row(%s)", strings.Join(arrays, ", "), strings.Join(names, ", "))
	each := func(sql string) string { return placeholder.ReplaceAllString(sql, "row.p$1") }
	form := ""
	if insert != nil {
		form = fmt.Sprintf("%s select %s %s %s %s", insert[1], each(insert[2]+insert[3]), rows, each(insert[4]), insert[5])
	} else {
		form = fmt.Sprintf("%s %s %s", each(update[1]), rows, each(update[2]))
	}
	b.forms[sql] = form
	return form, nil
}

// columns are the arguments of a run, as arrays.
func columns(run []*pgx.QueuedQuery) []any {
	out := make([]any, len(run[0].Arguments))
	for i := range out {
		column := make([]any, len(run))
		for j, q := range run {
			column[j] = q.Arguments[i]
			if id, ok := column[j].(uuid.UUID); ok {
				column[j] = [16]byte(id) // otherwise pgx goes by way of its text
			}
		}
		out[i] = column
	}
	return out
}
