package socketio

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"annals/queries"
	"annals/transport/socketio/carrier"
)

// showTime bounds looking at a channel that was changed.
const showTime = 2 * time.Second

// updates are the channels whose members are to be shown how they look now. Looking asks the database, which Publish must
// not wait for: it runs while the projections commit. A channel that is changed again before it was looked at is shown once.
type updates struct {
	mu      sync.Mutex
	changed map[uuid.UUID]bool
	some    chan struct{}
}

func newUpdates() *updates {
	return &updates{changed: map[uuid.UUID]bool{}, some: make(chan struct{}, 1)}
}

func (u *updates) add(channel uuid.UUID) {
	u.mu.Lock()
	u.changed[channel] = true
	u.mu.Unlock()
	select {
	case u.some <- struct{}{}:
	default:
	}
}

func (u *updates) take() map[uuid.UUID]bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	taken := u.changed
	u.changed = map[uuid.UUID]bool{}
	return taken
}

// showUpdates broadcasts channels that were changed until the hub closes.
func (h *Hub) showUpdates() {
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-h.updates.some:
		}
		for channel := range h.updates.take() {
			h.showChannel(channel)
		}
	}
}

// showChannel broadcasts a channel as it can be read now.
func (h *Hub) showChannel(channel uuid.UUID) {
	ctx, cancel := context.WithTimeout(h.ctx, showTime)
	defer cancel()
	found, err := h.Channels.Channel(ctx, channel)
	switch {
	case errors.Is(err, queries.ErrNotFound): // deleted meanwhile
	case err != nil:
		h.Logger.Warn("channelUpdated was not broadcast: the channel cannot be read", "channel", channel, "error", err)
	default:
		out := outbox{frames: map[*connection][]carrier.Frame{}}
		h.broadcast(&out, channel, "channelUpdated", update{channel, found})
		out.send()
	}
}
