package live

import (
	"time"

	"annals/events"
)

const (
	// batchMinClients is how many connections there have to be for events to be sent together: a frame to each of many costs
	// much more than an event in it.
	batchMinClients = 32
	// batchWindow is how long events then wait for further ones. What comes after a silence is sent at once.
	batchWindow = 10 * time.Millisecond
)

// gathered are events that are sent with those of the same batchWindow. The hub's lock guards it.
type gathered struct {
	facts []events.Recorded
	upTo  events.Position
	last  time.Time // when facts went out
	timer *time.Timer
}

// Publish tells the subscribers what has become readable. Batches come in order; what was published before is skipped.
func (h *Hub) Publish(facts []events.Recorded, upTo events.Position) {
	h.mu.Lock()
	defer h.mu.Unlock()
	g := &h.gathered
	if upTo <= max(h.position, g.upTo) {
		return
	}
	g.facts = append(g.facts, since(facts, max(h.position, g.upTo))...)
	g.upTo = upTo
	switch wait := batchWindow - time.Since(g.last); {
	case len(h.connections) < batchMinClients || wait <= 0:
		h.release()
	case g.timer == nil:
		g.timer = time.AfterFunc(wait, func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.release()
		})
	}
}

// release sends what was gathered. The hub's lock is held.
func (h *Hub) release() {
	g := h.gathered
	if g.timer != nil {
		g.timer.Stop()
	}
	h.gathered = gathered{last: time.Now()}
	if g.upTo <= h.position || h.closed {
		return
	}
	fresh := h.batch(since(g.facts, h.position))
	from := h.position
	h.position = g.upTo
	encoded := map[string][]frame{}
	for _, c := range h.connections {
		for _, s := range c.subscriptions {
			switch {
			case !s.live:
			case s.seen > from: // it resumed from a position that only now is published
				h.push(c, s, fresh.after(s.seen).frames(s, h.position))
			default:
				frames, ok := encoded[s.key]
				if !ok {
					frames = fresh.frames(s, h.position)
					encoded[s.key] = frames
				}
				h.push(c, s, frames)
			}
		}
	}
}
