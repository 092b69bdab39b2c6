package queries

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// expense is how a context says that what is read in it is expensive. Each page takes a turn, where there is one to take.
type expense struct {
	turn func(context.Context) (done func(), err error)
}

type expenseKey struct{}

// Expensively marks what is read in a context as expensive: it is read through the pool of WithExpensive. Each page of a list takes a
// turn; turn is nil where the whole of what is read has taken one.
func Expensively(ctx context.Context, turn func(context.Context) (done func(), err error)) context.Context {
	return context.WithValue(ctx, expenseKey{}, expense{turn})
}

// pageTurn takes the turn of a page.
func pageTurn(ctx context.Context) (done func(), err error) {
	if e, _ := ctx.Value(expenseKey{}).(expense); e.turn != nil {
		return e.turn(ctx)
	}
	return func() {}, nil
}

// ExpensiveConfig describes the pool of WithExpensive: as many connections as statements may run at a time, none of which gets help from
// other processes of PostgreSQL, so that all other reads have the rest of the machine.
func ExpensiveConfig(url, views string, atOnce int) (*pgxpool.Config, error) {
	c, err := Config(url, views)
	if err != nil {
		return nil, err
	}
	c.MaxConns = int32(min(atOnce, 1<<10))
	c.ConnConfig.RuntimeParams["max_parallel_workers_per_gather"] = strconv.Itoa(0)
	return c, nil
}

// WithExpensive has what is expensive (see Expensively) read through a pool of its own, made from ExpensiveConfig.
func (q *Queries) WithExpensive(pool *pgxpool.Pool) *Queries {
	ordinary, ok := q.pool.(*pgxpool.Pool)
	if !ok {
		return q
	}
	return &Queries{pool: pools{ordinary, pool}}
}

// pools are chosen from by what a context says.
type pools struct{ ordinary, expensive *pgxpool.Pool }

func (p pools) of(ctx context.Context) *pgxpool.Pool {
	if _, expensive := ctx.Value(expenseKey{}).(expense); expensive {
		return p.expensive
	}
	return p.ordinary
}

// Query implements source.
func (p pools) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return p.of(ctx).Query(ctx, sql, args...)
}

// SendBatch implements source.
func (p pools) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return p.of(ctx).SendBatch(ctx, b)
}

// Reset closes all connections.
func (p pools) Reset() {
	p.ordinary.Reset()
	p.expensive.Reset()
}
