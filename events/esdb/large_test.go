package esdb_test

import (
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"annals/events"
)

// Not parallel: it measures the heap of the process.
func TestStoreReadsLargeEventsAFewAtATime(t *testing.T) {
	s, id := openStore(t), uuid.New()
	stream := events.Stream("large", id)
	var want []uuid.UUID
	var begin, end events.Position
	for i := range 80 {
		fact := started(id)
		fact.Event = events.MessageSubmitted{MessageID: id, AuthorID: id, Content: strings.Repeat("x", 600<<10)}
		p, err := s.Append(bounded(t), stream, events.Revision(i-1), fact)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			begin = p
		}
		want, end = append(want, fact.ID), p
	}
	reversed := slices.Clone(want)
	slices.Reverse(reversed)
	own := events.Filter{Streams: []string{string(stream)}}
	ids(t, s.ReadAll(bounded(t), begin, events.Forwards, own), len(want)-1, everything) // the node's caches are full
	for name, c := range map[string]struct {
		of   func(func(events.Recorded, error) bool)
		want []uuid.UUID
	}{
		"the stream":            {s.Read(bounded(t), stream, events.Forwards), want},
		"the stream, backwards": {s.Read(bounded(t), stream, events.Backwards), reversed},
		"the log":               {s.ReadAll(bounded(t), begin, events.Forwards, own), want[1:]},
		"the log, backwards":    {s.ReadAll(bounded(t), end, events.Backwards, own), reversed[1:]},
	} {
		before, most := heap(), uint64(0)
		n := len(c.want)
		sameIDs(t, ids(t, c.of, n, func(events.Recorded) bool { n--; most = max(most, sampled(n, heap)); return true }), c.want)
		if most > before+16<<20 {
			t.Errorf("%s: reading held %d MiB", name, (most-before)>>20)
		}
	}
}

// sampled measures now and then.
func sampled(n int, measure func() uint64) uint64 {
	if n%20 > 0 {
		return 0
	}
	return measure()
}

// heap is what is in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
