package embedded

import "github.com/google/uuid"

// recentEvents is how many events are remembered for idempotent appends without an expected revision.
const recentEvents = 1 << 16

type recentKey struct {
	index uint64
	id    uuid.UUID
}

// recent remembers the places of the newest events by stream and id. Its zero value is ready; one goroutine uses it.
type recent struct {
	places map[recentKey]place
	order  []recentKey
	next   int
}

func (r *recent) find(index uint64, id uuid.UUID) (place, bool) {
	p, ok := r.places[recentKey{index, id}]
	return p, ok
}

func (r *recent) add(index uint64, id uuid.UUID, at place) {
	if r.places == nil {
		r.places = make(map[recentKey]place)
	}
	key := recentKey{index, id}
	if _, twice := r.places[key]; twice {
		return // of an id that a stream has twice EventStoreDB tells the first place
	}
	if len(r.order) < recentEvents {
		r.order = append(r.order, key)
	} else {
		delete(r.places, r.order[r.next])
		r.order[r.next] = key
		r.next = (r.next + 1) % recentEvents
	}
	r.places[key] = at
}
