package projections

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Writing many rows costs PostgreSQL about half as much in one statement as in one statement each. So a run of the same
// INSERT or UPDATE, which is what a rebuild consists of, is sent as one that takes its rows from arrays.

// bulkRows is how long a run is at least.
const bulkRows = 4

// oneRow is an INSERT of one row, perhaps on the condition that there is no other. What it does on a conflict may only speak
// of the row that was to be inserted, and the condition only of what other statements write. oneUpdate is an UPDATE of the
// row with an id, perhaps on a condition.
var (
	oneRow = regexp.MustCompile(`(?s)^\s*(insert into (\w+) \([^()]*\))\s*` +
		`(?:values \(([^()]*)\)|select (.*?)\s(where not exists .*?))\s*(on conflict [^$]*)?$`)
	oneUpdate   = regexp.MustCompile(`(?s)^\s*(update \w+ set .*?)\s(where id = \$1\b.*)$`)
	placeholder = regexp.MustCompile(`\$(\d+)`)
)

// bulk turns runs of INSERTs and UPDATEs into single ones, over one connection. Looking for conflicts in advance costs a third
// of an INSERT: it is done only for tables in which there has been one.
type bulk struct {
	conn      *pgx.Conn
	forms     map[string]form // of one row to of many; empty where there is no such form
	updates   map[string]bool
	conflicts map[string]bool // by table
}

// form is a statement for many rows; clause is what an INSERT does on a conflict.
type form struct{ table, sql, clause string }

func newBulk(conn *pgx.Conn) *bulk {
	return &bulk{conn: conn, forms: map[string]form{}, updates: map[string]bool{}, conflicts: map[string]bool{}}
}

// conflicted takes note of an error that a row was there already, and tells whether doing the same again avoids it.
func (b *bulk) conflicted(err error) bool {
	var server *pgconn.PgError
	if !errors.As(err, &server) || server.Code != "23505" || b.conflicts[server.TableName] {
		return false
	}
	b.conflicts[server.TableName] = true
	return true
}

// add queues what was queued in from, and tells whether anything was joined.
func (b *bulk) add(ctx context.Context, q *pgx.Batch, from []*pgx.QueuedQuery) (joined bool, err error) {
	for len(from) > 0 {
		n := b.run(from)
		var f form
		if n >= bulkRows {
			if f, err = b.form(ctx, from[0].SQL); err != nil {
				return joined, err
			}
		}
		if f.sql != "" {
			if b.conflicts[f.table] {
				f.sql += f.clause
			}
			q.Queue(f.sql, columns(from[:n])...)
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
func (b *bulk) form(ctx context.Context, sql string) (form, error) {
	if f, ok := b.forms[sql]; ok {
		return f, nil
	}
	b.forms[sql] = form{}
	insert, update := oneRow.FindStringSubmatch(sql), oneUpdate.FindStringSubmatch(sql)
	if insert == nil && update == nil {
		return form{}, nil
	}
	described, err := b.conn.Prepare(ctx, "", sql)
	if err != nil {
		return form{}, err
	}
	var arrays, names []string
	for i, oid := range described.ParamOIDs {
		t, known := b.conn.TypeMap().TypeForOID(oid)
		if !known || strings.HasPrefix(t.Name, "_") {
			return form{}, nil // arrays of arrays would become one flat array
		}
		arrays = append(arrays, fmt.Sprintf("$%d::%s[]", i+1, t.Name))
		names = append(names, fmt.Sprintf("p%d", i+1))
	}
	rows := fmt.Sprintf("from unnest(%s) as row(%s)", strings.Join(arrays, ", "), strings.Join(names, ", "))
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
