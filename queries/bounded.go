package queries

import (
	"context"

	"github.com/jackc/pgx/v5"
)

const (
	// PageBytes bounds what one page of a list holds, in bytes of its rows; of these, freeBytes count for nobody.
	PageBytes = 8 << 20
	freeBytes = 1 << 20
)

// Reader is the client that a page is read for. It may be short of memory: then the page ends early.
type Reader interface {
	// Hold reports whether the reader may hold so many bytes more.
	Hold(n int64) bool
	// EndedEarly says that a page ended before its limit, although there is more.
	EndedEarly()
}

// ReaderKey is under which a context has its Reader.
type ReaderKey struct{}

// nobody reads for itself.
type nobody struct{}

func (nobody) Hold(int64) bool { return true }
func (nobody) EndedEarly()     {}

// page is many for a list whose rows may be large: it ends early where they have PageBytes together, or where the reader may not
// hold more. It has at least one row where there is any.
func page[T any](ctx context.Context, q *Queries, what string, row pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	all, err := again(q, func() ([]T, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		rows, _ := q.pool.Query(ctx, sql, args...) // its error is that of the rows
		all, cut, err := bounded(ctx, rows, row)
		if cut {
			cancel() // the rest is not even sent
		}
		rows.Close()
		return all, err
	})
	return all, failed(err, what)
}

// bounded reads rows as long as they fit into a page, and reports whether there were more.
func bounded[T any](ctx context.Context, rows pgx.Rows, row pgx.RowToFunc[T]) (all []T, cut bool, err error) {
	reader, ok := ctx.Value(ReaderKey{}).(Reader)
	if !ok {
		reader = nobody{}
	}
	size := 0
	for rows.Next() {
		bytes := 0
		for _, value := range rows.RawValues() {
			bytes += len(value)
		}
		size += bytes
		if len(all) > 0 && (size > PageBytes || size > freeBytes && !reader.Hold(int64(bytes))) {
			reader.EndedEarly()
			return all, true, nil
		}
		one, err := row(rows)
		if err != nil {
			return nil, false, err
		}
		all = append(all, one)
	}
	return all, false, rows.Err()
}
