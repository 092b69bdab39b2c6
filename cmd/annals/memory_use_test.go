package main

import "testing"

// Where much is live there is half of it again for garbage: more makes an attack cost memory, less makes the collector work all the time.
func TestTheLimitOfMemoryFollowsWhatIsLive(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int64{0: leastLimit, 100 << 20: leastLimit, 1 << 30: 1<<30 + 512<<20 + 32<<20} {
		if limit := (memoryUse{live: live}).limit(); limit != want {
			t.Errorf("with %d bytes that are live the limit is %d, not %d", live, limit, want)
		}
	}
	if m := readMemory(); m.held < m.live || m.live == 0 || m.allocated < m.live {
		t.Errorf("the runtime says %+v", m)
	}
}
