package embedded

import (
	"encoding/json"
	"hash/fnv"
	"strings"
)

// pinBuckets is how many groups of streams the pinned strategies tell apart, as in EventStoreDB.
const pinBuckets = 1024

// strategy chooses who gets an item; nil when nobody has room who may have it.
type strategy interface {
	pick(consumers []*consumer, it *item) *consumer
	// holdsBack tells whether later items must wait when one finds nobody.
	holdsBack() bool
}

func newStrategy(name string) strategy {
	switch name {
	case dispatchToSingle:
		return single{}
	case pinned:
		return pin{by: sourceStream}
	case pinnedByCorrelation:
		return pin{by: correlation}
	}
	return &robin{}
}

// single fills the first consumer before the next gets anything.
type single struct{}

func (single) holdsBack() bool { return true }

func (single) pick(consumers []*consumer, _ *item) *consumer {
	for _, c := range consumers {
		if c.hasRoom() {
			return c
		}
	}
	return nil
}

// robin takes turns and passes over the full.
type robin struct{ next int }

func (*robin) holdsBack() bool { return true }

func (r *robin) pick(consumers []*consumer, _ *item) *consumer {
	for range consumers {
		c := consumers[r.next%len(consumers)]
		r.next = (r.next + 1) % len(consumers)
		if c.hasRoom() {
			return c
		}
	}
	return nil
}

// pin gives everything of one stream (or correlation) to the same consumer for as long as it stays. Each bucket belongs to
// the consumer with the highest hash of both, so that few change hands when consumers come and go.
type pin struct{ by func(*item) string }

func (pin) holdsBack() bool { return false }

func (p pin) pick(consumers []*consumer, it *item) *consumer {
	bucket := hash(p.by(it)) % pinBuckets
	var owner *consumer
	var best uint64
	for _, c := range consumers {
		if score := mix(bucket<<40 ^ c.id); owner == nil || score > best {
			owner, best = c, score
		}
	}
	if owner == nil || !owner.hasRoom() {
		return nil
	}
	return owner
}

func hash(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s)) //nolint:errcheck // a hash takes everything
	return mix(h.Sum64())
}

// mix spreads the bits of a number (the finalizer of MurmurHash3).
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// sourceStream is the stream of the event itself, also behind a link.
func sourceStream(it *item) string {
	if it.record.Type == typeLink {
		if _, stream, ok := strings.Cut(string(it.record.Data), "@"); ok {
			return stream
		}
	}
	return it.record.Stream
}

// correlation is the event's $correlationId, or its stream when it has none.
func correlation(it *item) string {
	var m struct {
		ID string `json:"$correlationId"`
	}
	if err := json.Unmarshal(it.record.Metadata, &m); err != nil || m.ID == "" {
		return sourceStream(it)
	}
	return m.ID
}
