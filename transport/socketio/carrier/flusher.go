package carrier

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// flusher sends for many connections, one after the other, and waits for none of them: a goroutine for each would keep
// everything else, the next message above all, waiting for its turn. It has a goroutine for as long as there is something to send.
type flusher struct {
	mu      sync.Mutex
	waiting []flush
	running bool
	sooner  chan struct{} // told of what is due at once
}

// flush is a connection whose turn comes at a time.
type flush struct {
	*gathering
	due time.Time
}

// flushers share the connections among them, one for every other core.
type flushers struct {
	all  []*flusher
	next atomic.Uint64
}

func newFlushers() *flushers {
	f := &flushers{all: make([]*flusher, max(1, runtime.GOMAXPROCS(0)/2))}
	for i := range f.all {
		f.all[i] = &flusher{sooner: make(chan struct{}, 1)}
	}
	return f
}

// one is the next connection's.
func (f *flushers) one() *flusher { return f.all[f.next.Add(1)%uint64(len(f.all))] }

// add has a connection sent once, when it is due.
func (f *flusher) add(g *gathering, due time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = append(f.waiting, flush{g, due})
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

func (f *flusher) run() {
	pause := time.NewTimer(0)
	defer pause.Stop()
	var due []flush
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

// take moves what is due, and tells when something is next where nothing is. Where nothing waits either, the flusher has ended.
func (f *flusher) take(due []flush) (_ []flush, next time.Time) {
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
