package live

import (
	"context"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"annals/events"
)

const (
	// A stretch ends at so many events or bytes; the number is what the store reads at a time.
	stretchEvents = 499
	stretchBytes  = 512 << 10
	// maxStretches bounds those that are kept where they are small, and factCost is what an event takes up besides its text.
	maxStretches = 256
	factCost     = 256
	// readTime bounds one read.
	readTime = 30 * time.Second
)

// recent shares reads of the log among replays: clients that resume near each other receive the same events, encoded once.
//
// It keeps stretches of the log, up to maxRecent bytes: those that were read lately and those that were published lately. A
// replay asks for what follows its position. What is kept is given at once. Otherwise the replay waits for a read that is
// likely to come to its position, or reads itself; at most maxReaders read at a time. So a thousand clients that resume at
// about the same position cause a few reads. An erasure empties it.
type recent struct {
	ctx     context.Context //nolint:containedctx // the hub's: a read is for all that wait, whoever began it
	store   events.Store
	encode  func(events.Recorded) *fact
	readers chan struct{}

	mu        sync.Mutex
	stretches []*stretch
	reads     map[*reading]bool // under way
	span      events.Position   // how far the last read that was full went
	bytes     int
	uses      uint64
	erasures  int
}

// stretch is all of the log between two positions; the first is exclusive.
type stretch struct {
	after, upTo events.Position
	facts       []*fact
	bytes       int
	used        uint64
}

// reading is a read under way.
type reading struct {
	after    events.Position
	erasures int // before it began
	done     chan struct{}
}

func newRecent(ctx context.Context, store events.Store, encode func(events.Recorded) *fact) *recent {
	return &recent{
		ctx: ctx, store: store, encode: encode, readers: make(chan struct{}, maxReaders.Int()*runtime.NumCPU()), reads: map[*reading]bool{},
		span: math.MaxUint64,
	}
}

// next returns the stretch behind a position that lies before the head; what lies behind the head cannot be read yet. The
// events in it must not be changed.
func (r *recent) next(ctx context.Context, after, head events.Position) (stretch, error) {
	for {
		r.mu.Lock()
		if s, ok := r.kept(after); ok {
			r.mu.Unlock()
			return s, nil
		}
		other := r.underWay(after)
		if other == nil {
			mine := &reading{after, r.erasures, make(chan struct{})}
			r.reads[mine] = true
			r.mu.Unlock()
			return r.read(mine, head) //nolint:contextcheck // a read is for all that wait
		}
		r.mu.Unlock()
		select {
		case <-other.done:
		case <-ctx.Done():
			return stretch{}, ctx.Err()
		}
	}
}

// kept finds what follows a position. The lock is held.
func (r *recent) kept(after events.Position) (stretch, bool) {
	for _, s := range r.stretches {
		if s.after <= after && after < s.upTo {
			r.uses++
			s.used = r.uses
			return cut(stretch{after: after, upTo: s.upTo, facts: behind(s.facts, after)}), true
		}
	}
	return stretch{}, false
}

// cut shortens a stretch to what is replayed at once: what was published may be more.
func cut(s stretch) stretch {
	short := stretch{after: s.after, upTo: s.upTo}
	for i, f := range s.facts {
		if short.add(f); short.full() && i+1 < len(s.facts) {
			short.upTo = f.position
			break
		}
	}
	return short
}

// underWay is a read that is likely to come to what follows a position, nil if there is none. The lock is held.
func (r *recent) underWay(after events.Position) *reading {
	for other := range r.reads {
		if other.after <= after && after-other.after < r.span {
			return other
		}
	}
	return nil
}

func (r *recent) read(mine *reading, head events.Position) (s stretch, err error) {
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.reads, mine)
		close(mine.done)
		if err == nil && mine.erasures == r.erasures {
			r.keep(s)
		}
	}()
	ctx, cancel := context.WithTimeout(r.ctx, readTime)
	defer cancel()
	if err := r.enter(ctx); err != nil {
		return s, err
	}
	defer r.leave()
	s = stretch{after: mine.after, upTo: head}
	for e, err := range r.store.ReadAll(ctx, mine.after, events.Forwards, events.Filter{}) {
		if err != nil {
			return s, err
		}
		if e.Position > head {
			break
		}
		s.add(r.encode(e))
		if s.full() || e.Position == head {
			s.upTo = e.Position
			break
		}
	}
	return s, nil
}

// head is the position of the newest event in the log, which need not be readable yet.
func (r *recent) head(ctx context.Context) (events.Position, error) {
	if err := r.enter(ctx); err != nil {
		return 0, err
	}
	defer r.leave()
	return r.store.Head(ctx)
}

// enter waits until there are few enough readers.
func (r *recent) enter(ctx context.Context) error {
	select {
	case r.readers <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *recent) leave() { <-r.readers }

func (s *stretch) add(f *fact) {
	s.facts = append(s.facts, f)
	s.bytes += len(f.text) + factCost
}

// full reports whether nothing more belongs into a stretch.
func (s *stretch) full() bool { return len(s.facts) >= stretchEvents || s.bytes >= stretchBytes }

// publish keeps what has become readable, behind what was published before.
func (r *recent) publish(s stretch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.stretches, func(last *stretch) bool { return last.upTo == s.after && !last.full() })
	if i < 0 {
		r.keep(s)
		return
	}
	last := r.stretches[i]
	last.facts = append(last.facts, s.facts...) // behind what replays were given
	last.upTo = s.upTo
	last.bytes += s.bytes
	r.bytes += s.bytes
	r.forget()
}

// keep remembers a stretch. The lock is held.
func (r *recent) keep(s stretch) {
	if s.full() {
		r.span = s.upTo - s.after
	}
	r.uses++
	s.used = r.uses
	r.stretches = append(r.stretches, &s)
	r.bytes += s.bytes
	r.forget()
}

// forget makes the bounds hold: the stretch that was not used for longest goes. The lock is held.
func (r *recent) forget() {
	for r.bytes > maxRecent.Int() || len(r.stretches) > maxStretches {
		i := 0
		for j, s := range r.stretches {
			if s.used < r.stretches[i].used {
				i = j
			}
		}
		r.bytes -= r.stretches[i].bytes
		r.stretches = slices.Delete(r.stretches, i, i+1)
	}
}

// erase forgets everything, since what is kept shows what was erased.
func (r *recent) erase() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.erasures++
	r.stretches, r.bytes = nil, 0
}
