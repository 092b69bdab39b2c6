package live

import (
	"github.com/google/uuid"

	"annals/events"
)

// A client may be so many frames and bytes behind and still be shown answers while they come into being.
const (
	bestEffortFrames = 64
	bestEffortBytes  = 1 << 20
)

// follows tells whether a subscription with this filter is shown answers while they come into being: one that names
// channels, and nothing that facts alone have.
func (f Filter) follows() bool {
	return len(f.Channels) > 0 && len(f.Types)+len(f.Streams)+len(f.Actors)+len(f.Correlation) == 0
}

// Stream shows a piece of an answer to those who follow its channel and keep up: who is behind does without it.
func (h *Hub) Stream(c events.Chunk) {
	h.mu.Lock()
	defer h.mu.Unlock()
	followers := h.followers[c.ChannelID]
	if len(followers) == 0 {
		return
	}
	encoded := map[string]*frame{}
	for s, client := range followers {
		if !s.live || !fitsAny(s.filter.Agents, func(id uuid.UUID) bool { return id == c.AgentID }) {
			continue
		}
		f, ok := encoded[s.id]
		if !ok {
			f = &frame{text: h.encode(struct {
				ID     string       `json:"id,omitempty"`
				Stream events.Chunk `json:"stream"`
			}{s.id, c})}
			encoded[s.id] = f
		}
		h.sendBestEffort(client, f)
	}
}

// sendBestEffort sends a frame unless the client is behind. The hub's lock is held.
func (h *Hub) sendBestEffort(c *connection, f *frame) {
	c.mu.Lock()
	skip := c.leaving != nil || c.live >= bestEffortFrames || c.bytes+len(f.text) > bestEffortBytes
	if !skip {
		h.enqueue(c, f)
	}
	c.mu.Unlock()
	if !skip {
		_ = c.session.Write(f.text) // a client that has gone needs none
	}
}

// follow notes who follows a channel; unfollow forgets it. The hub's lock is held.
func (h *Hub) follow(c *connection, s *subscription) {
	if !s.filter.follows() {
		return
	}
	for _, channel := range s.filter.Channels {
		if h.followers[channel] == nil {
			h.followers[channel] = map[*subscription]*connection{}
		}
		h.followers[channel][s] = c
	}
}

func (h *Hub) unfollow(s *subscription) {
	if !s.filter.follows() {
		return
	}
	for _, channel := range s.filter.Channels {
		delete(h.followers[channel], s)
		if len(h.followers[channel]) == 0 {
			delete(h.followers, channel)
		}
	}
}
