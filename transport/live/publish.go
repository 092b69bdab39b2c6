package live

import (
	"slices"
	"time"

	"annals/events"
)

const (
	// batchMinClients is how many connections there have to be for events to be sent together: a frame to each of many costs
	// much more than an event in it.
	batchMinClients = 32
	// maxBurst is what is sent to a live subscription at once, in bytes.
	maxBurst = 2 << 20
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
	fresh := since(facts, max(h.position, g.upTo))
	if slices.ContainsFunc(fresh, isErasure) {
		h.recent.erase() // at once: what is kept shows what was erased
	}
	g.facts = append(g.facts, fresh...)
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

func isErasure(e events.Recorded) bool {
	_, is := e.Event.(events.SubjectErased)
	return is
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
	fresh := since(g.facts, h.position)
	from := h.position
	h.position = g.upTo
	if len(h.connections) == 0 {
		return
	}
	facts := make([]*fact, len(fresh))
	for i, e := range fresh {
		facts[i] = newFact(e)
	}
	h.fanOut(facts, from)
	if !slices.ContainsFunc(fresh, isErasure) {
		published := stretch{after: from, upTo: h.position}
		for _, e := range facts {
			published.add(h.encoded(e))
		}
		h.recent.publish(published)
	}
}

// fanOut sends every live subscription what fits of the events behind a position. A burst that a connection could not queue
// is replayed instead, as fast as the client takes it. The hub's lock is held.
func (h *Hub) fanOut(facts []*fact, from events.Position) {
	encoded := map[string][]*frame{}
	for _, c := range h.connections {
		for _, s := range c.subscriptions {
			switch {
			case !s.live:
			case s.seen > from: // it resumed from a position that only now is published
				h.pushLive(c, s, h.frames(s, behind(facts, s.seen), h.position))
			default:
				frames, ok := encoded[s.key]
				if !ok {
					frames = h.frames(s, facts, h.position)
					encoded[s.key] = frames
				}
				s.seen = from // nothing before fits
				h.pushLive(c, s, frames)
			}
		}
	}
}

func (h *Hub) pushLive(c *connection, s *subscription, frames []*frame) {
	burst := 0
	for _, f := range frames {
		burst += len(f.text)
	}
	if burst > maxBurst {
		h.attach(c, s)
		return
	}
	h.push(c, s, frames)
}
