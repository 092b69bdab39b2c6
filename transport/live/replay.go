package live

import (
	"context"
	"time"

	"github.com/olahol/melody"

	"annals/events"
)

// chunk bounds the facts that a replay looks at before it sends them.
const chunk = 200

// replay sends a subscription what lies behind, from the log, no faster than the client takes it.
type replay struct {
	*Hub
	c    *connection
	s    *subscription
	ctx  context.Context //nolint:containedctx // ends with the subscription
	upTo events.Position
	// told is when the client heard of this last.
	told time.Time
}

func (r *replay) run(from events.Position) {
	r.told = time.Now()
	var pending []events.Recorded
	for e, err := range r.Store.ReadAll(r.ctx, from, events.Forwards, r.s.filter.atStore()) {
		if err != nil {
			r.cutOff(err)
			return
		}
		if e.Position > r.upTo {
			break
		}
		if pending = append(pending, e); len(pending) >= chunk {
			if !r.flush(pending, e.Position) {
				return
			}
			pending = pending[:0]
		}
	}
	if !r.flush(pending, r.upTo) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() == nil {
		r.s.seen = r.upTo
		r.attach(r.c, r.s)
	}
}

// flush sends what fits, and a pulse when nothing did for a while. It tells false when nobody listens any more.
func (r *replay) flush(pending []events.Recorded, upTo events.Position) bool {
	frames := r.batch(pending).frames(r.s, upTo)
	if len(frames) == 0 && time.Since(r.told) > r.Heartbeat {
		frames = []frame{{r.pulse(r.s, upTo), upTo}}
	}
	for _, f := range frames {
		if !r.c.waitCapacity(r.ctx) {
			return false
		}
		r.mu.Lock()
		ok := r.ctx.Err() == nil // checked under the lock: nothing follows an answer to unsubscribe
		if ok {
			r.push(r.c, r.s, []frame{f})
		}
		r.mu.Unlock()
		if !ok {
			return false
		}
		r.told = time.Now()
	}
	return r.ctx.Err() == nil
}

// cutOff closes the connection of a replay that the store did not finish: the client comes back by position.
func (r *replay) cutOff(err error) {
	if r.ctx.Err() != nil {
		return
	}
	r.Logger.WarnContext(r.ctx, "a replay was cut off", "error", err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.write(r.c, r.encode(refuse(r.s.id, "DB_ERROR", "the log cannot be read now; resume after the last position")))
	r.closeWithResume(r.c, melody.CloseTryAgainLater, "the log cannot be read now")
}
