package chain

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/google/uuid"

	"annals/events"
)

// Decoder decodes what a store has.
type Decoder interface {
	Decode(ctx context.Context, e events.Raw) (events.Recorded, error)
}

// checker goes over a log once, from its beginning, and tells its findings.
type checker struct {
	decoder   Decoder
	tell      func(string)
	revisions map[events.StreamID]uint64 // that come next
	known     map[uuid.UUID]struct{}     // facts so far

	older   bool   // heads may lie beyond the end
	heads   []Head // that were not reached yet
	chain   Hash
	segment []segmentEvent // since the last head
	odd     tampered       // the segments in front of it that are not what their heads say
	report  Report
}

// Report says how much of a log was checked.
type Report struct {
	Events, Streams int
	Last            events.Position
	Covered         events.Position // by the last head; 0 without one
	Uncovered       int             // events after it
	// Beyond is the position of the last head where that is beyond the end of a backup; 0 otherwise.
	Beyond events.Position
}

// segmentEvent is an event as it is now.
type segmentEvent struct {
	events.Raw
	digest digest
}

// Check holds a log against itself and its heads, and tells each finding. It fails where the log or a key cannot be read.
func Check(ctx context.Context, all iter.Seq2[events.Raw, error], heads []Head, d Decoder, tell func(string)) (Report, error) {
	return newChecker(heads, d, tell).check(ctx, all)
}

// CheckBackup is Check for a log that may be older than its heads: those beyond its end say nothing about it.
func CheckBackup(ctx context.Context, all iter.Seq2[events.Raw, error], heads []Head, d Decoder, tell func(string)) (Report, error) {
	c := newChecker(heads, d, tell)
	c.older = true
	return c.check(ctx, all)
}

func (c *checker) check(ctx context.Context, all iter.Seq2[events.Raw, error]) (Report, error) {
	for e, err := range all {
		if err != nil {
			return c.report, err
		}
		if err := c.event(ctx, e); err != nil {
			return c.report, err
		}
	}
	err := c.end()
	c.report.Streams = len(c.revisions)
	return c.report, err
}

func newChecker(heads []Head, d Decoder, tell func(string)) *checker {
	return &checker{decoder: d, tell: tell, heads: heads, revisions: map[events.StreamID]uint64{}, known: map[uuid.UUID]struct{}{}}
}

func (c *checker) found(e events.Raw, format string, args ...any) {
	c.tell(nameOf(e) + fmt.Sprintf(format, args...))
}

func nameOf(e events.Raw) string {
	return fmt.Sprintf("%s at position %d (%s, revision %d) ", e.Type, e.Position, e.Stream, e.Revision)
}

// event looks at one event of ours; the error is of keys that cannot be read.
func (c *checker) event(ctx context.Context, e events.Raw) error {
	if err := c.reach(e.Position); err != nil {
		return err
	}
	c.report.Events++
	if e.Position <= c.report.Last {
		c.found(e, "does not come after position %d", c.report.Last)
	}
	c.report.Last = e.Position
	if next := c.revisions[e.Stream]; e.Revision != next {
		c.found(e, "follows revision %d of its stream", int64(next)-1)
	}
	c.revisions[e.Stream] = e.Revision + 1
	c.segment = append(c.segment, segmentEvent{e, digestOf(e)})
	decoded, err := c.decoder.Decode(ctx, e)
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
func (c *checker) end() error {
	if n := len(c.heads); n > 0 {
		end, last := c.heads[n-1].Position, c.report.Last
		if c.older && end > last {
			c.report.Beyond = end
			end = last
		}
		if err := c.reach(end + 1); err != nil {
			return err
		}
	}
	c.report.Uncovered = len(c.segment)
	c.odd.tellLast(c.segment, c.tell)
	return nil
}

// reach holds the events before a position against the heads before it.
func (c *checker) reach(p events.Position) error {
	for len(c.heads) > 0 && c.heads[0].Position < p {
		h := c.heads[0]
		c.heads = c.heads[1:]
		n := 0
		for n < len(c.segment) && c.segment[n].Position <= h.Position {
			n++
		}
		chain := c.chain
		for _, e := range c.segment[:n] {
			chain = chain.next(e.Raw, e.digest)
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
		c.chain, c.report.Covered = should, h.Position
		c.segment = slices.Clone(c.segment[n:])
	}
	return nil
}
