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
var (
	maxWork = limits.Declare(limits.Bound{
		Name: "http.work", What: "requests that are worked on at a time, on each processor; those that wait for something do not count", Per: limits.Server, Value: 2,
		Unit: limits.Count, Answer: "the request waits, that of the client with the fewest is next",
	})
	workTime = limits.Declare(limits.Bound{
		Name: "http.work.time", What: "working on a request before the next one begins, too", Per: limits.Request, Value: int64(2 * time.Second), Unit: limits.Time,
		Answer: "none: the request goes on",
	})
)

func newWork() *limits.Work[caller] {
	return limits.NewWork[caller](maxWork.Int()*runtime.NumCPU(), runtime.NumCPU())
}

// work is the turn of a call. It is given back after workTime, since the call may wait for something that cannot come.
type work struct {
	mu    sync.Mutex
	taken func() // gives the turn back; nil where there is none
	turns bool   // whether the call takes any
	timer *time.Timer
}

// works takes the turn of a call, which ends with Rested. It fails where the call's time is over before.
func (c *Call) works() error {
	c.work.turns = true
	done, err := c.api.work.Take(c, caller{c.Client(), c.Actor})
	if err == nil {
		c.work.keep(c, done)
	}
	return err
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
	return func() { c.work.keep(c, c.api.work.Again(caller{c.Client(), c.Actor})) }
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
		defer c.Rests()()
	}
	return s.Store.Append(ctx, id, expect, facts...)
}

// restingBody has a call rest while it waits for its body.
type restingBody struct {
	io.ReadCloser
	call *Call
}

// Read implements io.Reader.
func (b restingBody) Read(p []byte) (int, error) {
	rested := b.call.pause()
	n, err := b.ReadCloser.Read(p)
	if rested {
		runtime.Gosched()  // a body that is there at once would keep the processor for milliseconds
		_ = b.call.works() // where its time is over the call finds out by itself
	}
	return n, err
}
