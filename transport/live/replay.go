package live

import (
	"context"
	"time"

	"github.com/olahol/melody"

	"annals/events"
)

// replay sends a subscription what lies behind, and makes it live when it has come to what is published. Before each stretch
// it takes as much of the connection's budget as a replay may hold, and keeps what the frames take up until they are sent: so
// the subscriptions of a connection take turns, and none goes faster than its client.
type replay struct {
	*Hub
	c   *connection
	s   *subscription
	ctx context.Context //nolint:containedctx // ends with the subscription
	// told is when the client received something of this last.
	told time.Time
}

func (r *replay) run(from events.Position) {
	r.told = time.Now()
	for live := false; !live; {
		if !r.reserve() {
			return
		}
		r.mu.Lock()
		head := r.position
		r.mu.Unlock()
		next := stretch{upTo: from}
		if from < head {
			var err error
			if next, err = r.recent.next(r.ctx, from, head); err != nil {
				r.c.replays.Give(maxReplay.Value)
				r.cutOff(err)
				return
			}
		}
		from, live = next.upTo, r.send(next)
	}
}

// reserve waits for the client, and then for the budget. It reports false when the subscription has ended, and closes a
// connection whose client does not take what was replayed.
func (r *replay) reserve() bool {
	for {
		ctx, cancel := context.WithTimeout(r.ctx, r.replayTime)
		err := r.c.replays.Take(ctx, maxReplay.Value)
		cancel()
		switch {
		case err == nil:
			return true
		case r.ctx.Err() != nil:
			return false
		case r.c.replays.Held() > 0:
			r.mu.Lock()
			defer r.mu.Unlock()
			r.tooSlow(r.c)
			return false
		}
	}
}

// send sends what fits, and a pulse when nothing did for a while, in the place of what was reserved. It reports whether the
// replay is over.
func (r *replay) send(next stretch) (over bool) {
	frames := r.frames(r.s, next.facts, next.upTo)
	if len(frames) == 0 && time.Since(r.told) > r.Heartbeat {
		frames = []*frame{r.pulse(r.s, next.upTo)}
	}
	left := maxReplay.Value
	defer func() { r.c.replays.Give(left) }()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil { // checked under the lock: nothing follows an answer to unsubscribe
		return true
	}
	for _, f := range frames {
		f.share = r.c.replays
		if !r.write(r.c, f) {
			return true
		}
		left -= int64(len(f.text))
		r.s.seen, r.told = f.upTo, time.Now()
	}
	r.s.seen = next.upTo
	return r.goLive(r.c, r.s)
}

// cutOff closes the connection of a replay that the store did not finish: the client comes back by position.
func (r *replay) cutOff(err error) {
	if r.ctx.Err() != nil {
		return
	}
	r.Logger.WarnContext(r.ctx, "a replay was cut off", "error", err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.write(r.c, r.replied(refuse(r.s.id, "DB_ERROR", "the log cannot be read now; resume after the last position")))
	r.closeWithResume(r.c, melody.CloseTryAgainLater, "the log cannot be read now")
}
