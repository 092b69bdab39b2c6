package frame

import (
	"context"
	"errors"
	"net/netip"
	"runtime"
	"time"

	"annals/queries"
	"annals/transport/limits"
	"annals/transport/problem"
)

// What reads that are expensive may take up: searches, statistics, exports and what is computed from the log. They have a pool of their
// own, and clients take turns, so that there are always connections to the database, and time of it, for all others.
var (
	MaxExpensive = limits.Declare(limits.Bound{
		Name: "http.expensive", What: "searches, statistics, histories and pages of exports that are read at a time, on every two processors", Per: limits.Server, Value: 1,
		Unit: limits.Count, Answer: "the request waits, the client that has fewest under way goes first; then 429 with Retry-After",
	})
	expensiveWait = limits.Declare(limits.Bound{
		Name: "http.expensive.wait", What: "waiting for other searches, statistics and histories", Per: limits.Request, Value: int64(10 * time.Second),
		Unit: limits.Time, Answer: "429 with Retry-After",
	})
	_ = limits.Declare(limits.Bound{
		Name: "http.expensive.time", What: "one statement of a search, a statistic or a history", Per: limits.Request, Value: int64(queries.StatementLimit),
		Unit: limits.Time, Answer: "400 INVALID_REQUEST that says so",
	})
)

// Expensives is how many expensive reads there may be at a time on this machine.
func Expensives() int { return max(MaxExpensive.Int()*runtime.GOMAXPROCS(0)/2, 1) }

func newExpensive() *limits.Work[caller] { return limits.NewWork[caller](Expensives(), 0) }

// caller is whose turn it is: an address, with the key or without.
type caller struct {
	client netip.Prefix
	actor  string
}

// Expensive reads much: it takes its turn, and is the client's to narrow where it takes too long. What it streams afterwards takes a turn
// for each page.
func Expensive(o *operation) { o.limits.expensive = true }

// Expensively reads something that is expensive where other requests of the operation are not: in its turn, see Expensive.
func (c *Call) Expensively(read func() error) error {
	if c.operation.limits.expensive { // it has its turn
		return read()
	}
	done, err := c.turn()
	if err != nil {
		return err
	}
	defer done()
	return slow(read())
}

var (
	errBusyReads = tooMany("Too many searches and statistics are under way. Please try again later.")
	errTooSlow   = problem.Invalid("The answer takes too long to find: ask for less, with more words or a narrower time.")
)

// turn waits for the turn of a read that is expensive.
func (c *Call) turn() (done func(), err error) {
	who := caller{c.Client(), c.Actor}
	c.Unbounded = queries.Expensively(context.WithValue(c.Unbounded, queries.ReaderKey{}, c), func(ctx context.Context) (func(), error) {
		c.tookPages() // those before were written
		return c.api.expensive.Take(ctx, who)
	})
	resume := c.Rests()
	done, err = c.api.turn(c, who)
	resume()
	c.Context = queries.Expensively(c.Context, nil)
	return done, err
}

func (a *API) turn(ctx context.Context, who caller) (done func(), err error) {
	waiting, cancel := context.WithTimeout(ctx, expensiveWait.Duration())
	defer cancel()
	if done, err = a.expensive.Take(waiting, who); err == nil {
		return done, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return nil, errBusyReads
}

// slow answers an expensive read that took too long.
func slow(err error) error {
	if errors.Is(err, queries.ErrTooLong) {
		return errTooSlow
	}
	return err
}
