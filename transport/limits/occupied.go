package limits

import (
	"sync"
	"time"
)

// Occupied knows how many places of a bound are taken. It does not count before each one that is taken: where many are, that would take
// longer than all else. Other nodes' count a little later. Its zero value is ready to use.
type Occupied struct {
	mu      sync.Mutex
	counted time.Time
	taken   int
}

// recount is how long a count holds while places are left.
const recount = time.Second

// Full reports whether all places are taken. It counts where the last count is old, or says so.
func (o *Occupied) Full(now time.Time, places int, count func() (int, error)) (bool, error) {
	o.mu.Lock()
	fresh := o.taken < places && !o.counted.IsZero() && now.Sub(o.counted).Abs() < recount
	o.mu.Unlock()
	if fresh {
		return false, nil
	}
	n, err := count()
	if err != nil {
		return false, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.taken, o.counted = n, now
	return n >= places, nil
}

// Taken notes that one more place is taken.
func (o *Occupied) Taken() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.taken++
}
