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
	witness *Witness       // of the signed heads
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
	// Signed is the last signed head that the log was held against; nil without one that holds.
	Signed *SignedHead
}

// segmentEvent is an event as it is now.
type segmentEvent struct {
	events.Raw
	entry Entry
}

// Heads are what a log is held against.
type Heads struct {
	Lines  []Head       // say of each event what it was
	Signed []SignedHead // say what the log was up to them
	Keys   []string     // that are trusted to sign; see NewWitness
	// Older: the log may be older than the heads, which say nothing about it beyond its end.
	Older bool
	// Kept: the signed heads were kept elsewhere. A log that ends before them is a finding, too.
	Kept bool
}

// Check holds a log against itself and its heads, and tells each finding. It fails where the log or a key cannot be read.
func Check(ctx context.Context, all iter.Seq2[events.Raw, error], h Heads, d Decoder, tell func(string)) (Report, error) {
	found, bySignature := 0, []string(nil)
	c := newChecker(h.Lines, d, func(s string) { found++; tell(s) })
	c.older, c.witness = h.Older, NewWitness(h.Signed, h.Keys, func(s string) { bySignature = append(bySignature, s) })
	c.witness.older = h.Older && !h.Kept
	r, err := c.check(ctx, all)
	if h.Kept || found == 0 { // otherwise the lines have named it better
		for _, s := range bySignature {
			tell(s)
		}
	}
	return r, err
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
	if signed, ok := c.witness.End(); ok {
		c.report.Signed = &signed
	}
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
	entry := entryOf(e)
	c.segment = append(c.segment, segmentEvent{e, entry})
	c.witness.event(e, entry)
	decoded, err := c.decoder.Decode(ctx, e)
	if err != nil {
		return err
	}
	if u, ok := decoded.Event.(events.Unknown); ok {
		c.found(e, "cannot be read: %v", u.Reason)
	}
	c.cause(e, decoded.Meta)
	c.known[e.ID] = struct{}{}
	return nil
}

// cause looks for what an event names as its cause. Earlier versions recorded each memory of an import, and each vector of a run of
// annals embed, under a request of its own, with the one that began them all as the cause and the correlation.
func (c *checker) cause(e events.Raw, m events.Metadata) {
	if _, known := c.known[m.Causation]; !known && m.Causation != m.Request && m.Causation != m.Correlation {
		c.found(e, "names a cause that is neither its request nor an earlier fact: %s", m.Causation)
	}
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
			chain = chain.next(e.entry)
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
