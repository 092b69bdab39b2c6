package embedded_test

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"annals/events/embedded"
)

// TestStuckSubscribersHoldLittleMemory is not parallel: it measures the heap of the process.
func TestStuckSubscribersHoldLittleMemory(t *testing.T) {
	n := startNode(t, embedded.Options{})
	r := n.raw(t)
	const stuck = 10
	for range stuck {
		r.subscribe(t, func(*streams.ReadReq_Options) {}) // and never reads on
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	write := func(mib int) {
		for range mib {
			event := named("T", 1)[0]
			event.ContentType, event.Data = esdb.ContentTypeBinary, make([]byte, 1<<20)
			n.append(t, "s", event)
		}
	}
	write(16)
	before := heap()
	write(64)
	after := heap()
	holds(t, after < before+32<<20, fmt.Sprintf("from %d to %d MiB", before>>20, after>>20))
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
