package commands

import (
	"sync"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
)

// channelTimes gives the messages of a channel ascending times, as far as this process knows the channel's last one: clients page by
// time. It is bounded, and safe for concurrent use.
type channelTimes struct {
	mu   sync.Mutex
	last *lru.Cache[uuid.UUID, time.Time]
}

func newChannelTimes(most int) *channelTimes {
	last, err := lru.New[uuid.UUID, time.Time](most)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &channelTimes{last: last}
}

// next returns the time of the channel's next message: the later of now and a millisecond after the last one.
func (c *channelTimes) next(channel uuid.UUID, now time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if last, ok := c.last.Get(channel); ok && now.Before(last.Add(time.Millisecond)) {
		now = last.Add(time.Millisecond)
	}
	c.last.Add(channel, now)
	return now
}

// saw takes note of a message that was recorded, by this process or another.
func (c *channelTimes) saw(channel uuid.UUID, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if last, ok := c.last.Peek(channel); !ok || last.Before(at) {
		c.last.Add(channel, at)
	}
}
