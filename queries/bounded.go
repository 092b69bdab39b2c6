package queries

import (
	"context"
	"runtime"

	"github.com/jackc/pgx/v5"
)

const (
	// PageBytes bounds what one page of a list holds, in bytes of its rows; of these, freeBytes count for nobody.
	PageBytes = 8 << 20
	freeBytes = 64 << 10
)

// Reader is the client that a page is read for. It may be short of memory: then the page ends early.
type Reader interface {
	// Hold reports whether the reader may hold so many bytes more. Without the first row there is no page: it is held whatever other
	// clients hold.
	Hold(n int64, first bool) bool
	// EndedEarly says that a page ended before its limit, although there is more.
	EndedEarly()
}

// ReaderKey is under which a context has its Reader.
type ReaderKey struct{}

// nobody reads for itself.
type nobody struct{}

func (nobody) Hold(int64, bool) bool { return true }
func (nobody) EndedEarly()           {}

// page is many for a list whose rows may be large: it ends early where they have PageBytes together, or where the reader may not
// hold more. It has at least one row where there is any; the error is ErrNoRoom where the reader may not hold that.
func page[T any](ctx context.Context, q *Queries, what string, row pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	found, err := pageAfter(ctx, q, what, row, 0, sql, args...)
	return found.rows, err
}

// part is what was read of a page: size is that of the whole page so far, in bytes; cut tells that rows were left out.
type part[T any] struct {
	rows []T
	size int
	cut  bool
}

// pageAfter is page for rows that follow others of so many bytes on one page.
func pageAfter[T any](ctx context.Context, q *Queries, what string, row pgx.RowToFunc[T], size int, sql string, args ...any) (part[T], error) {
	done, err := pageTurn(ctx)
	if err != nil {
		return part[T]{}, err
	}
	defer done()
	found, err := again(q, func() (part[T], error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		rows, _ := q.pool.Query(ctx, sql, args...) // its error is that of the rows
		found, err := bounded(ctx, rows, row, size)
		if found.cut {
			cancel() // the rest is not even sent
		}
		rows.Close()
		return found, err
	})
	return found, failed(err, what)
}

// readerOf is the client that a page is read for.
func readerOf(ctx context.Context) Reader {
	if reader, ok := ctx.Value(ReaderKey{}).(Reader); ok {
		return reader
	}
	return nobody{}
}

// bounded reads rows as long as they fit into a page of which so many bytes are filled.
func bounded[T any](ctx context.Context, rows pgx.Rows, row pgx.RowToFunc[T], filled int) (found part[T], err error) {
	reader := readerOf(ctx)
	found.size = filled
	for rows.Next() {
		bytes := 0
		for _, value := range rows.RawValues() {
			bytes += len(value)
		}
		found.size += bytes
		first := filled == 0 && len(found.rows) == 0
		if found.size > PageBytes && !first || found.size > freeBytes && !reader.Hold(int64(bytes), first) {
			if first {
				return part[T]{cut: true}, ErrNoRoom
			}
			reader.EndedEarly()
			found.cut = true
			return found, nil
		}
		if found.size > freeBytes {
			runtime.Gosched() // small pages do not wait for the rest of a large one
		}
		one, err := row(rows)
		if err != nil {
			return part[T]{}, err
		}
		found.rows = append(found.rows, one)
	}
	return found, rows.Err()
}
