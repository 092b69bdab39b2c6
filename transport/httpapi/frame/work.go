package frame

import (
	"context"
	"io"
	"runtime"
	"sync"
	"time"

	"annals/events"
	"annals/transport/limits"
)

// Requests of clients that may come in take turns at the work that they make: what keeps a processor or a connection to the database busy.
// A client with many requests under way waits for itself, and one with few finds a turn soon. A request gives its turn back while it
// waits: for its body, for the log, for the read models, for the turn of an expensive read, for its client to take a large answer.
//
// A request with a large body or a large answer is bulk: it keeps a processor busy for many milliseconds at a time, and small requests
// would wait for it at each step. Bulk has turns of its own, on less than half of the processors.
var (
	maxWork = limits.Declare(limits.Bound{
		Name: "http.work", What: "requests that are worked on at a time, on each processor; those that wait for something do not count", Per: limits.Server, Value: 2,
		Unit: limits.Count, Answer: "the request waits, that of the client with the fewest is next",
	})
	maxBulk = limits.Declare(limits.Bound{
		Name: "http.bulk", What: "requests with a body or an answer of more than 64 KiB that are worked on at a time, on every two processors", Per: limits.Server,
		Value: 1, Unit: limits.Count, Answer: "the request waits, that of the client with the fewest is next",
	})
	workTime = limits.Declare(limits.Bound{
		Name: "http.work.time", What: "working on a request before the next one begins, too", Per: limits.Request, Value: int64(2 * time.Second), Unit: limits.Time,
		Answer: "none: the request goes on",
	})
)

func newWork() *limits.Work[caller] {
	return limits.NewWork[caller](maxWork.Int()*runtime.NumCPU(), runtime.NumCPU())
}

func newBulk() *limits.Work[caller] {
	n := max(maxBulk.Int()*runtime.NumCPU()/2, 1)
	return limits.NewWork[caller](n, n)
}

// work is the turn of a call. It is given back after workTime, since the call may wait for something that cannot come.
type work struct {
	mu    sync.Mutex
	taken func() // gives the turn back; nil where there is none
	turns bool   // whether the call takes any
	bulk  bool   // whether they are turns of bulk
	timer *time.Timer
}

// works takes the turn of a call, which ends with Rested. It fails where the call's time is over before.
func (c *Call) works() error {
	c.work.turns = true
	return c.takeTurn()
}

// takeTurn blocks until it is the call's turn.
func (c *Call) takeTurn() error {
	from := c.api.work
	if c.work.isBulk() {
		from = c.api.bulk
	}
	done, err := from.Take(c, caller{c.Client(), c.Actor})
	if err == nil {
		c.work.keep(c, done)
	}
	return err
}

// becomeBulk has the call take turns of bulk from here on, in place of those that it has. Where its time is over it goes on without one.
func (c *Call) becomeBulk() {
	c.work.mu.Lock()
	was := c.work.bulk
	c.work.bulk = true
	c.work.mu.Unlock()
	if !was && c.pause() {
		_ = c.takeTurn()
	}
}

func (w *work) isBulk() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bulk
}

// keep takes a turn for the call, unless it has one or takes none any more.
func (w *work) keep(c *Call, done func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.taken != nil || !w.turns {
		done()
		return
	}
	if w.taken = done; w.timer == nil {
		w.timer = time.AfterFunc(workTime.Duration(), func() { c.pause() })
	} else {
		w.timer.Reset(workTime.Duration())
	}
}

// pause gives the turn back, and reports whether there was one.
func (c *Call) pause() bool {
	w := &c.work
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.taken == nil {
		return false
	}
	w.timer.Stop()
	w.taken()
	w.taken = nil
	return true
}

// Rests gives the call's turn back while it waits, until what it returns is called.
func (c *Call) Rests() (resume func()) {
	if !c.pause() {
		return func() {}
	}
	return func() {
		if c.work.isBulk() {
			_ = c.takeTurn() // where its time is over the call finds out by itself
			return
		}
		c.work.keep(c, c.api.work.Again(caller{c.Client(), c.Actor}))
	}
}

// taken is how much of an answer the system takes at once: the call does not wait for its client with less.
const taken = 64 << 10

// Rested ends the call's turns: what is left is to wait for its client.
func (c *Call) Rested() {
	c.work.mu.Lock()
	c.work.turns = false
	c.work.mu.Unlock()
	c.pause()
}

// restingStore has calls rest while their events are written.
type restingStore struct{ events.Store }

// Append implements events.Store.
func (s restingStore) Append(ctx context.Context, id events.StreamID, expect events.Revision, facts ...events.Proposed) (events.Position, error) {
	if c, ok := ctx.Value(callKey{}).(*Call); ok {
		defer c.Rests()() //nolint:contextcheck // a call is the context
	}
	return s.Store.Append(ctx, id, expect, facts...)
}

// piece is how much of a body is read, and then worked on, before others get the processor.
const piece = 64 << 10

// restingBody has a call rest while it waits for its body.
type restingBody struct {
	io.ReadCloser
	call *Call
}

// Read implements io.Reader.
func (b restingBody) Read(p []byte) (int, error) {
	rested := b.call.pause()
	n, err := b.ReadCloser.Read(p[:min(len(p), piece)])
	if rested {
		runtime.Gosched() // a body that is there at once would keep the processor for milliseconds
		_ = b.call.takeTurn()
	}
	return n, err
}
