package live

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/olahol/melody"

	"annals/events"
)

// wish is what a client may send.
type wish struct {
	Subscribe   *Filter `json:"subscribe"`
	After       string  `json:"after"`
	Unsubscribe bool    `json:"unsubscribe"`
}

func (h *Hub) received(s *melody.Session, message []byte) {
	var w wish
	if err := json.Unmarshal(message, &w); err != nil {
		h.send(s, refuse("INVALID_REQUEST", "not understood: %v", err))
		return
	}
	switch {
	case w.Subscribe != nil:
		h.subscribe(s, *w.Subscribe, w.After)
	case w.Unsubscribe:
		h.unsubscribe(s)
		h.send(s, frame{Unsubscribed: true})
	default:
		h.send(s, refuse("INVALID_REQUEST", `send {"subscribe":{…}} or {"unsubscribe":true}`))
	}
}

func (h *Hub) send(s *melody.Session, f frame) { _ = s.Write(h.encode(f)) }

// subscribe replaces what the client heard before: from the position it names, or from now.
func (h *Hub) subscribe(s *melody.Session, f Filter, after string) {
	if f.tooLong() {
		h.send(s, refuse("INVALID_REQUEST", "at most %d values in each part of a filter", maxFilter))
		return
	}
	from, ok := h.begin(s, after)
	if !ok {
		return
	}
	key, err := json.Marshal(f)
	if err != nil {
		h.send(s, refuse("INVALID_REQUEST", "not understood: %v", err))
		return
	}
	h.unsubscribe(s)
	h.mu.Lock()
	defer h.mu.Unlock()
	sub := h.subscribers[s]
	if sub == nil || h.ctx.Err() != nil {
		return
	}
	sub.filter, sub.key, sub.seen = &f, string(key), from
	h.send(s, frame{Subscribed: &f})
	h.attach(s, sub, f)
}

// begin reads the position to begin after: from now on without one. A position of another log, or one that this log never
// reached, means nothing here: the client has to begin again.
func (h *Hub) begin(s *melody.Session, after string) (events.Position, bool) {
	ctx, cancel := context.WithTimeout(h.ctx, writeWait)
	defer cancel()
	head, err := h.store.Head(ctx)
	if err != nil {
		h.send(s, refuse("DB_ERROR", "the log cannot be read now; try again"))
		return 0, false
	}
	if after == "" {
		return head, true
	}
	token, err := events.ParseToken(after)
	if err != nil {
		h.send(s, refuse("INVALID_REQUEST", "%v", err))
		return 0, false
	}
	if token.Log != h.log || token.Position > head {
		h.send(s, frame{Reset: h.token(head)})
		return 0, false
	}
	return token.Position, true
}

// attach makes a subscriber live when it has seen all that was published, and sends it on replaying otherwise. The lock
// is held.
func (h *Hub) attach(s *melody.Session, sub *subscriber, f Filter) {
	if !h.begun {
		return
	}
	if sub.seen >= h.position {
		sub.live, sub.stop = true, nil
		h.send(s, frame{CaughtUp: h.token(h.position)})
		return
	}
	ctx, cancel := context.WithCancel(h.ctx)
	sub.live, sub.stop = false, cancel
	from, upTo := sub.seen, h.position
	h.work.Go(func() {
		defer cancel()
		if !h.replay(ctx, s, f, from, upTo) {
			return
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if ctx.Err() == nil && h.subscribers[s] == sub {
			sub.seen = upTo
			h.attach(s, sub, f)
		}
	})
}

// replay sends what lies after from up to a position, from the log, no faster than the client takes it.
func (h *Hub) replay(ctx context.Context, s *melody.Session, f Filter, from, upTo events.Position) bool {
	var pending []events.Recorded
	flush := func(at events.Position) bool {
		text := h.batch(pending, f, at)
		pending = pending[:0]
		if text == nil {
			return true
		}
		select {
		case window(s) <- struct{}{}:
		case <-ctx.Done():
			return false
		}
		return s.Write(text) == nil
	}
	for e, err := range h.store.ReadAll(ctx, from, events.Forwards, events.Filter{}) {
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				h.logger.WarnContext(ctx, "a replay was cut off", "error", err)
				h.send(s, refuse("DB_ERROR", "the log cannot be read now; resume after the last position"))
				_ = s.Close()
			}
			return false
		}
		if e.Position > upTo {
			break
		}
		pending = append(pending, e)
		if len(pending) >= chunk && !flush(e.Position) {
			return false
		}
	}
	return flush(upTo)
}

// window holds a token for each frame of a replay that waits to be sent.
func window(s *melody.Session) chan struct{} {
	w, _ := s.MustGet(windowKey).(chan struct{})
	return w
}

// sent makes room for the next frame of a replay.
func (h *Hub) sent(s *melody.Session, _ []byte) {
	select {
	case <-window(s):
	default:
	}
}

func (h *Hub) unsubscribe(s *melody.Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	sub := h.subscribers[s]
	if sub == nil {
		return
	}
	if sub.stop != nil {
		sub.stop()
	}
	*sub = subscriber{}
}
