package embedded_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"pgregory.net/rapid"

	"annals/events/embedded"
)

// trySubscribe catches up with one stream's share of the log by a filter.
func (c *compared) trySubscribe(rt *rapid.T) {
	s := c.stream(rt)
	from := rapid.IntRange(0, len(c.log)).Draw(rt, "from")
	var want []modelEvent
	for _, e := range c.log[from:] {
		if strings.HasPrefix(e.stream, s) {
			want = append(want, e)
		}
	}
	call := c.raw
	ctx, cancel := context.WithCancel(c.raw.ctx)
	defer cancel()
	call.ctx = ctx
	filter := filtered(byStream("", s), 1)
	sub := call.subscribe(c.t, func(o *streams.ReadReq_Options) {
		filter(o)
		o.GetAll().AllOption = allFrom(c.base + uint64(from))
	})
	for _, e := range want {
		c.agree("subscription to "+s, sub.nextEvent(), "event "+fmt.Sprintf("%s/%d", e.stream, uint64(e.revision)))
	}
	c.agree("subscription to "+s, sub.nextEvent(), "caught up")
}

// nextEvent passes over checkpoints.
func (s subscribed) nextEvent() string {
	s.t.Helper()
	for {
		if got := s.next(); !strings.HasPrefix(got, "checkpoint") {
			return got
		}
	}
}

func (c *compared) follow() {
	at := c.base + uint64(c.seen)
	c.live = c.raw.subscribe(c.t, func(o *streams.ReadReq_Options) { o.GetAll().AllOption = allFrom(at) })
}

// catchUp reads what the live subscription has to yield by now.
func (c *compared) catchUp() {
	for _, e := range c.log[c.seen:] {
		got := c.live.nextEvent()
		for got == "caught up" {
			got = c.live.nextEvent()
		}
		c.agree("live", got, fmt.Sprintf("event %s/%d", e.stream, uint64(e.revision)))
		c.seen++
	}
}

func (c *compared) tryRestart(rt *rapid.T) {
	if rapid.IntRange(0, 3).Draw(rt, "rarely") > 0 {
		rt.Skip("takes a while")
	}
	c.catchUp()
	closeNode(c.t, c.node.Node)
	*c.node = startNode(c.t, embedded.Options{Dir: "log", FS: c.disk})
	c.raw = c.node.raw(c.t)
	c.follow()
}
