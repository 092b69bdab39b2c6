package carrier

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// writeScheduler writes for many connections, one after the other, and waits for none of them: a goroutine for each would keep
// everything else, the next message above all, waiting for its turn. It has a goroutine as long as there is something to write.
type writeScheduler struct {
	mu      sync.Mutex
	waiting []dueWrite
	running bool
	sooner  chan struct{} // told of what is due at once
}

// dueWrite is a connection that is to be written to at a time.
type dueWrite struct {
	*coalescingConn
	due time.Time
}

// writeSchedulers share the connections among them, one for every other core.
type writeSchedulers struct {
	all  []*writeScheduler
	next atomic.Uint64
}

func newWriteSchedulers() *writeSchedulers {
	f := &writeSchedulers{all: make([]*writeScheduler, max(1, runtime.GOMAXPROCS(0)/2))}
	for i := range f.all {
		f.all[i] = &writeScheduler{sooner: make(chan struct{}, 1)}
	}
	return f
}

// one is for the next connection.
func (f *writeSchedulers) one() *writeScheduler { return f.all[f.next.Add(1)%uint64(len(f.all))] }

// add has a connection sent once, when it is due.
func (f *writeScheduler) add(g *coalescingConn, due time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = append(f.waiting, dueWrite{g, due})
	if !f.running {
		f.running = true
		go f.run()
	} else if !due.After(time.Now()) {
		select {
		case f.sooner <- struct{}{}:
		default:
		}
	}
}

func (f *writeScheduler) run() {
	pause := time.NewTimer(0)
	defer pause.Stop()
	var due []dueWrite
	for {
		var next time.Time
		if due, next = f.take(due[:0]); len(due) == 0 && next.IsZero() {
			return
		}
		for _, g := range due {
			g.send()
		}
		if len(due) > 0 {
			continue
		}
		pause.Reset(max(time.Until(next), time.Millisecond)) // what is due at about the same time goes together
		select {
		case <-pause.C:
		case <-f.sooner:
		}
	}
}

// take moves what is due, and tells when something is next where nothing is. Where nothing waits either, the scheduler has ended.
func (f *writeScheduler) take(due []dueWrite) (_ []dueWrite, next time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, left := time.Now(), f.waiting[:0]
	for _, w := range f.waiting {
		if !w.due.After(now) {
			due = append(due, w)
			continue
		}
		left = append(left, w)
		if next.IsZero() || w.due.Before(next) {
			next = w.due
		}
	}
	clear(f.waiting[len(left):])
	f.waiting = left
	f.running = len(due)+len(left) > 0
	return due, next
}
