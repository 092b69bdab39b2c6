package main

import (
	"context"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// How a server uses memory, where GOMEMLIMIT does not say it.
const (
	// leastLimit is below which the collector works at Go's usual pace.
	leastLimit = 352 << 20
	// memoryTick is how often the limit is set anew, idleTicks after how many of them without much work idle memory is given back.
	memoryTick = time.Second
	idleTicks  = 5
	// much is how many bytes are allocated in a second where there is work, and spare how many may be idle.
	much  = 16 << 20
	spare = 32 << 20
)

// memoryUse is what the runtime says of its memory, in bytes.
type memoryUse struct {
	live      uint64 // on the heap, after the last collection
	held      uint64 // of the system
	allocated uint64 // ever
}

func readMemory() memoryUse {
	s := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}, {Name: "/gc/heap/allocs:bytes"},
	}
	metrics.Read(s)
	return memoryUse{live: s[0].Value.Uint64(), held: s[1].Value.Uint64() - s[2].Value.Uint64(), allocated: s[3].Value.Uint64()}
}

// limit is the memory above which the collector works harder. What is live gets half of it again for garbage, so that the memory of a
// server under attack rises by little more than what the attack holds; Go's own pace allows as much garbage as is live.
func (m memoryUse) limit() int64 { return max(leastLimit, int64(m.live+m.live/2+32<<20)) }

// keepMemory sets the limit of memory after what is live, and gives memory back that was needed for a while: the runtime keeps it
// until the next collection, which is minutes away once there is little to do.
func keepMemory(ctx context.Context) {
	if debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return
	}
	tick := time.NewTicker(memoryTick)
	defer tick.Stop()
	before, idle, lowest := readMemory(), 0, uint64(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := readMemory()
		debug.SetMemoryLimit(now.limit())
		if now.allocated-before.allocated > much {
			idle = 0
		} else {
			idle++
		}
		if before = now; idle >= idleTicks && now.held > lowest+spare {
			debug.FreeOSMemory()
			idle, lowest = 0, readMemory().held
		}
	}
}
