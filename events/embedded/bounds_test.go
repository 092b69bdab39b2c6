package embedded_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"annals/events/embedded"
)

// heap is what is in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestStuckSubscribersHoldLittleMemory is not parallel: it measures the heap of the process.
func TestStuckSubscribersHoldLittleMemory(t *testing.T) {
	n := startNode(t, embedded.Options{})
	r := n.raw(t)
	ctx, cancel := context.WithTimeout(context.Background(), 6*patience)
	defer cancel()
	r.ctx = ctx
	const subscribers, stuck = 1000, 10
	for range stuck {
		r.subscribe(t, func(*streams.ReadReq_Options) {}) // and never reads on
	}
	var reading []subscribed
	for i := range subscribers - stuck {
		s := r.subscribe(t, func(o *streams.ReadReq_Options) { o.StreamOption = fromStart(fmt.Sprint("s", i)) })
		s.expect("caught up")
		reading = append(reading, s)
	}
	write := func(mib int) {
		for range mib {
			event := named("T", 1)[0]
			event.ContentType, event.Data = esdb.ContentTypeBinary, make([]byte, 1<<20)
			n.append(t, "large", event)
		}
	}
	write(16)
	before := heap()
	write(64)
	after := heap()
	holds(t, after < before+32<<20, fmt.Sprintf("from %d to %d MiB", before>>20, after>>20))
	for i, s := range reading {
		n.append(t, fmt.Sprint("s", i), named("T", 1)...)
		s.expectAmongCaughtUp(fmt.Sprintf("event s%d/0", i))
	}
}

// TestAMillionEventsHoldNoMoreMemoryThanAFew is not parallel: it measures the heap of the process.
func TestAMillionEventsHoldNoMoreMemoryThanAFew(t *testing.T) {
	total := times(t, "ANNALS_STORE_EVENTS", 50_000, 1_000_000)
	dir := t.TempDir()
	n := startNode(t, embedded.Options{Dir: dir})
	const batch = 500
	write := func(from, to int) {
		for i := from; i < to; i += batch {
			n.append(t, fmt.Sprint("s", i/batch%20_000), payload(batch)...)
		}
	}
	write(0, total/5) // the caches are full
	before := heap()
	write(total/5, total)
	after := heap()
	t.Logf("%d events: from %d to %d MiB", total, before>>20, after>>20)
	holds(t, after < before+96<<20, fmt.Sprintf("from %d to %d MiB", before>>20, after>>20)) // the cache may fill up
	closeNode(t, n.Node)
	begin := time.Now()
	n = startNode(t, embedded.Options{Dir: dir})
	last := n.readOne(t)
	t.Log("restart to first answer: ", time.Since(begin))
	equal(t, last, uint64(total+6))
	begin = time.Now()
	v, err := logOf(dir, n.socket).Verify(context.Background(), func(err error) { t.Error(err) })
	must(t, err)
	equal(t, v.Events, total+6)
	t.Log("verified in ", time.Since(begin))
}

// TestAClosedNodeLeavesNoGoroutine is not parallel: it looks at all goroutines of the process.
func TestAClosedNodeLeavesNoGoroutine(t *testing.T) {
	n := startNode(t, embedded.Options{})
	n.append(t, "s", named("T", 3)...)
	n.createGroup(t, "s", quickSettings())
	n.join(t, "s", 2).expect("s/0 try 0")
	n.raw(t).subscribe(t, func(*streams.ReadReq_Options) {}).next()
	closeNode(t, n.Node)
	eventually(t, "no goroutine of the node is left", func() bool {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		return !bytes.Contains(stacks, []byte("annals/events/embedded.")) && !bytes.Contains(stacks, []byte("cockroachdb/pebble"))
	})
}
