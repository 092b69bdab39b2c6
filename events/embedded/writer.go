package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// One commit takes at most this much: a larger group would only make the first in it wait.
const (
	groupWrites = 1024
	groupBytes  = 4 << 20
	statesKept  = 1 << 14
)

// write is one wish for the writer. Exactly one outcome is sent to done.
type write struct {
	kind   writeKind
	stream string
	expect expectation
	events []*record
	sets   []keyValue // for kindKeys
	done   chan outcome
}

type writeKind int

const (
	kindAppend writeKind = iota
	kindDelete
	kindTombstone
	kindKeys // keys outside of the log: configuration
)

// keyValue is a key to set, or to delete when the value is nil.
type keyValue struct{ key, value []byte }

// outcome answers a write after it is on disk. Current is the stream's last revision when the verdict fell.
type outcome struct {
	verdict verdict
	at      place
	current int64
	err     error
}

// errStopped is the answer to writes that come when the node is closing.
var errStopped = errors.New("the node is stopping")

// writer is the only goroutine that changes the database: it decides, gathers what has come meanwhile into one synced
// commit, publishes and answers.
type writer struct {
	store *store
	tail  *tail
	log   *slog.Logger
	space *diskSpace

	in      chan *write
	stop    chan struct{}
	stopped chan struct{}

	head    uint64
	created int64
	states  *simplelru.LRU[string, streamState]
	known   recent
	failed  error
	broken  chan struct{} // closed once failed is set, for others to see

	batch   *pebble.Batch
	bytes   int
	records []*record
	dirty   map[string]streamState
	waiting []answer
	buffer  []byte
}

type answer struct {
	done chan outcome
	outcome
}

// recentOnStart is how much of the log's end is read at start for idempotency without expected revisions.
const recentOnStart = 2048

func newWriter(s *store, t *tail, space *diskSpace, log *slog.Logger) (*writer, error) {
	states, err := simplelru.NewLRU[string, streamState](statesKept, nil)
	if err != nil {
		return nil, err
	}
	w := &writer{
		store: s, tail: t, log: log, space: space, states: states, dirty: map[string]streamState{},
		in: make(chan *write, groupWrites), stop: make(chan struct{}), stopped: make(chan struct{}), broken: make(chan struct{}),
	}
	w.head, _ = t.position()
	return w, w.remember()
}

// remember reads the ids and the date of the newest records, and holds the index against them.
func (w *writer) remember() error {
	var newest []*record
	for before := w.head + 1; len(newest) < recentOnStart; before = newest[len(newest)-1].Position {
		page, err := w.store.logPage(before, w.head, true)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		newest = append(newest, page...)
	}
	for _, r := range slices.Backward(newest) {
		w.created = max(w.created, r.Created)
		st, err := w.state(r.Stream)
		if err != nil {
			return err
		}
		if err := w.store.indexed(st, r); err != nil {
			return err
		}
		w.known.add(st.Index, r.ID, place{r.Revision, r.Position})
	}
	return nil
}

// submit hands a write over and waits for its outcome. When ctx ends first the write may still happen.
func (w *writer) submit(ctx context.Context, p *write) (outcome, error) {
	if err := w.enqueue(ctx, p); err != nil {
		return outcome{}, err
	}
	return w.await(ctx, p)
}

func (w *writer) enqueue(ctx context.Context, p *write) error {
	p.done = make(chan outcome, 1)
	select {
	case w.in <- p:
		return nil
	case <-w.stopped:
		return errStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *writer) await(ctx context.Context, p *write) (outcome, error) {
	select {
	case o := <-p.done:
		return o, o.err
	case <-ctx.Done():
		return outcome{}, ctx.Err()
	case <-w.stopped:
		select {
		case o := <-p.done:
			return o, o.err
		default:
			return outcome{}, errStopped
		}
	}
}

// run works until stop is closed and what was submitted before is done.
func (w *writer) run() {
	defer close(w.stopped)
	for {
		select {
		case p := <-w.in:
			w.group(p)
		case <-w.stop:
			for {
				select {
				case p := <-w.in:
					w.group(p)
				default:
					return
				}
			}
		}
	}
}

// group commits p together with all that is waiting behind it.
func (w *writer) group(p *write) {
	for n := 1; ; n++ {
		w.apply(p)
		if n == groupWrites || w.bytes >= groupBytes {
			break
		}
		select {
		case p = <-w.in:
			continue
		default:
		}
		break
	}
	w.flush()
}

// apply decides one write and adds what it changes to the group.
func (w *writer) apply(p *write) {
	var o outcome
	switch {
	case w.failed != nil:
		o.err = w.failed
	case w.space.shortage() != nil:
		o.err = w.space.missing
	case p.kind == kindKeys:
		o.err = w.setKeys(p.sets)
	default:
		o, o.err = w.applyToStream(p)
	}
	w.waiting = append(w.waiting, answer{p.done, o})
}

func (w *writer) setKeys(sets []keyValue) error {
	if len(sets) == 0 { // it is only asked whether writes are taken
		return nil
	}
	b := w.open()
	for _, kv := range sets {
		w.bytes += len(kv.key) + len(kv.value)
		if kv.value == nil {
			if err := b.Delete(kv.key, nil); err != nil {
				return err
			}
			continue
		}
		if err := b.Set(kv.key, kv.value, nil); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) open() *pebble.Batch {
	if w.batch == nil {
		w.batch = w.store.db.NewBatch()
	}
	return w.batch
}

// flush commits the group, makes it visible and answers everybody in it.
func (w *writer) flush() {
	if w.batch != nil && w.failed == nil {
		if err := w.commit(); err != nil {
			w.fail(err)
		} else if len(w.records) > 0 {
			w.tail.publish(w.records)
		}
	}
	if w.failed != nil {
		for i := range w.waiting {
			w.waiting[i].outcome = outcome{err: w.failed}
		}
	}
	for _, a := range w.waiting {
		a.done <- a.outcome
	}
	clear(w.waiting)
	clear(w.dirty)
	w.batch, w.bytes, w.records, w.waiting = nil, 0, nil, w.waiting[:0]
}

// fail refuses this group and everything after it; reads go on.
func (w *writer) fail(err error) {
	w.failed = fmt.Errorf("%w; the node must be restarted", err)
	close(w.broken)
	w.log.Error("event log cannot be written", "error", err)
}

func (w *writer) commit() (err error) {
	defer func() {
		if r := recover(); r != nil {
			fatal, ok := r.(fatalStoreError)
			if !ok {
				panic(r)
			}
			err = fatal
		}
	}()
	for name, st := range w.dirty {
		if err := w.batch.Set(stateKey(name), st.encode(), nil); err != nil {
			return err
		}
		w.states.Add(name, st)
	}
	if err := w.batch.Commit(pebble.Sync); err != nil {
		return err
	}
	return errors.Join(w.store.ack.write(w.head), w.batch.Close())
}

// now dates records: never before the record in front of them, whatever the clock does.
func (w *writer) now() int64 {
	w.created = max(w.created, ticks(time.Now()))
	return w.created
}
