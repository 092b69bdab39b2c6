package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"annals/events"
)

// logCheck goes over a log once, from its beginning.
type logCheck struct {
	codec     *events.Codec
	tell      func(string)
	revisions map[events.StreamID]uint64 // that come next
	known     map[uuid.UUID]struct{}     // facts so far
	events    int
	last      events.Position

	heads     []head // that were not reached yet
	chain     events.Chain
	segment   []segmentEvent // since the last head
	odd       tampered       // the segments in front of it that are not what their heads say
	covered   events.Position
	uncovered int
}

// segmentEvent is an event as it is now.
type segmentEvent struct {
	events.Raw
	digest events.Digest
}

func newLogCheck(codec *events.Codec, heads []head, tell func(string)) *logCheck {
	return &logCheck{codec: codec, tell: tell, heads: heads, revisions: map[events.StreamID]uint64{}, known: map[uuid.UUID]struct{}{}}
}

func (c *logCheck) say(path string) {
	if c.covered == 0 {
		fmt.Printf("%s holds no head of this log: whether it was tampered with cannot be told\n", path)
		return
	}
	fmt.Printf("%s covers what was recorded up to position %d; nothing protects the %d events after it, nor anything from who can change both log and file: keep a copy of it elsewhere\n",
		path, c.covered, c.uncovered)
}

func (c *logCheck) found(e events.Raw, format string, args ...any) {
	c.tell(nameOf(e) + fmt.Sprintf(format, args...))
}

func nameOf(e events.Raw) string {
	return fmt.Sprintf("%s at position %d (%s, revision %d) ", e.Type, e.Position, e.Stream, e.Revision)
}

// event looks at one event of ours; the error is of keys that cannot be read.
func (c *logCheck) event(ctx context.Context, e events.Raw) error {
	if err := c.reach(e.Position); err != nil {
		return err
	}
	c.events++
	if e.Position <= c.last {
		c.found(e, "does not come after position %d", c.last)
	}
	c.last = e.Position
	if next := c.revisions[e.Stream]; e.Revision != next {
		c.found(e, "follows revision %d of its stream", int64(next)-1)
	}
	c.revisions[e.Stream] = e.Revision + 1
	c.segment = append(c.segment, segmentEvent{e, e.Digest()})
	decoded, err := c.codec.Decode(ctx, e)
	if err != nil {
		return err
	}
	if u, ok := decoded.Event.(events.Unknown); ok {
		c.found(e, "cannot be read: %v", u.Reason)
	}
	_, known := c.known[decoded.Meta.Causation]
	if cause := decoded.Meta.Causation; !known && cause != decoded.Meta.Request {
		c.found(e, "names a cause that is neither its request nor an earlier fact: %s", cause)
	}
	c.known[e.ID] = struct{}{}
	return nil
}

// end looks at what the log should still have had.
func (c *logCheck) end() error {
	if n := len(c.heads); n > 0 {
		if err := c.reach(c.heads[n-1].Position + 1); err != nil {
			return err
		}
	}
	c.uncovered = len(c.segment)
	c.odd.tellLast(c.segment, c.tell)
	return nil
}

// reach holds the events before a position against the heads before it.
func (c *logCheck) reach(p events.Position) error {
	for len(c.heads) > 0 && c.heads[0].Position < p {
		h := c.heads[0]
		c.heads = c.heads[1:]
		n := 0
		for n < len(c.segment) && c.segment[n].Position <= h.Position {
			n++
		}
		chain := c.chain
		for _, e := range c.segment[:n] {
			chain = chain.Next(e.Raw, e.digest)
		}
		should, err := h.chain()
		if err != nil {
			return err
		}
		if chain != should {
			c.odd.add(h, c.segment[:n])
		} else {
			c.odd.tell(c.tell)
			c.odd = tampered{}
		}
		// What comes after is held against the chain as it was written down.
		c.chain, c.covered = should, h.Position
		c.segment = slices.Clone(c.segment[n:])
	}
	return nil
}
