package live

import (
	"time"

	"annals/events"
)

const (
	// crowd is how many connections have to be there for facts to go out together: a frame to each of many costs much more
	// than a fact in it.
	crowd = 32
	// moment is how long they then wait for each other at most. What comes after a silence goes out at once.
	moment = 10 * time.Millisecond
)

// gathered are facts that can be read and go out with those of the same moment. The hub's lock guards it.
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
	switch wait := moment - time.Since(g.last); {
	case len(h.connections) < crowd || wait <= 0:
		h.release()
	case g.timer == nil:
		g.timer = time.AfterFunc(wait, func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.release()
		})
	}
}

// release lets go out what was gathered. The hub's lock is held.
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
