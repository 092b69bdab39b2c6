package live

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/olahol/melody"

	"annals/events"
)

// maxID bounds a client's name for a subscription, in bytes.
const maxID = 64

// wish is what a client may send. Who has one subscription need not name it.
type wish struct {
	ID          string  `json:"id"`
	Subscribe   *Filter `json:"subscribe"`
	After       string  `json:"after"`
	Unsubscribe bool    `json:"unsubscribe"`
	size        int     // of the message
}

func (h *Hub) received(s *melody.Session, message []byte) {
	w := wish{size: len(message)}
	switch err := json.Unmarshal(bytes.TrimPrefix(message, []byte("\ufeff")), &w); {
	case err != nil:
		h.tell(s, refuse("", "INVALID_REQUEST", "not understood: %v", err))
	case len(w.ID) > maxID:
		h.tell(s, refuse("", "INVALID_REQUEST", "an id has at most %d bytes", maxID))
	case w.Subscribe != nil && w.Subscribe.tooLong():
		h.tell(s, refuse(w.ID, "INVALID_REQUEST", "at most %d values in each part of a filter", maxFilter))
	case w.Subscribe != nil:
		if from, ok := h.begin(s, w); ok {
			h.subscribe(s, w, from)
		}
	case w.Unsubscribe:
		h.mu.Lock()
		defer h.mu.Unlock()
		if c := h.connections[s]; c != nil {
			h.drop(c, w.ID)
			h.write(c, h.replied(reply{ID: w.ID, Unsubscribed: true}))
		}
	default:
		h.tell(s, refuse(w.ID, "INVALID_REQUEST", `send {"subscribe":{…}} or {"unsubscribe":true}`))
	}
}

func (h *Hub) tell(s *melody.Session, what reply) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c := h.connections[s]; c != nil {
		h.write(c, h.replied(what))
	}
}

// begin reads the position to begin after: from now on without one. A position of another log, or one that this log never
// reached, means nothing here: the client has to begin again.
func (h *Hub) begin(s *melody.Session, w wish) (events.Position, bool) {
	var token events.Token
	if w.After != "" {
		var err error
		if token, err = events.ParseToken(w.After); err != nil {
			h.tell(s, refuse(w.ID, "INVALID_REQUEST", "%v", err))
			return 0, false
		}
	}
	h.mu.Lock()
	readable := h.position
	h.mu.Unlock()
	if w.After != "" && token.Log == h.Log && token.Position <= readable {
		return token.Position, true
	}
	ctx, cancel := context.WithTimeout(h.ctx, readTime)
	defer cancel()
	head, err := h.recent.head(ctx)
	switch {
	case err != nil:
		h.tell(s, refuse(w.ID, "DB_ERROR", "the log cannot be read now; try again"))
		return 0, false
	case w.After == "":
		return head, true
	case token.Log != h.Log || token.Position > head:
		h.tell(s, reply{ID: w.ID, Reset: h.token(head)})
		return 0, false
	}
	return token.Position, true
}

// subscribe replaces what the client heard before under that name.
func (h *Hub) subscribe(session *melody.Session, w wish, from events.Position) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.connections[session]
	if c == nil || h.closed {
		return
	}
	h.drop(c, w.ID)
	if len(c.subscriptions) >= h.Subscriptions {
		h.write(c, h.replied(refuse(w.ID, "RATE_LIMITED", "at most %d subscriptions on a connection", h.Subscriptions)))
		return
	}
	if c.filters+w.size > maxFilters.Int() {
		h.write(c, h.replied(refuse(w.ID, "RATE_LIMITED", "the subscriptions of a connection have at most %d bytes together", maxFilters.Value)))
		return
	}
	s := &subscription{id: w.ID, filter: *w.Subscribe, size: w.size, seen: from}
	c.filters += s.size
	s.key = string(h.encode([]any{s.id, s.filter}))
	c.subscriptions[w.ID] = s
	h.follow(c, s)
	h.write(c, h.replied(reply{ID: w.ID, Subscribed: w.Subscribe}))
	h.attach(c, s)
}

// attach makes a subscription live when it has seen all that was published, and begins a replay otherwise. The hub's lock
// is held.
func (h *Hub) attach(c *connection, s *subscription) {
	if !h.begun || h.closed || h.goLive(c, s) {
		return
	}
	ctx, cancel := context.WithCancel(h.ctx)
	s.live, s.stop = false, cancel
	from := s.seen
	h.work.Go(func() {
		defer cancel()
		r := replay{Hub: h, c: c, s: s, ctx: ctx}
		r.run(from) //nolint:contextcheck // a replay ends with its subscription
	})
}

// goLive makes a subscription live when it has seen all that was published. The hub's lock is held.
func (h *Hub) goLive(c *connection, s *subscription) bool {
	if s.seen < h.position {
		return false
	}
	s.live, s.stop = true, nil
	if !s.caughtUp {
		s.caughtUp = true
		h.write(c, h.replied(reply{ID: s.id, CaughtUp: h.token(s.seen)}))
	}
	return true
}
