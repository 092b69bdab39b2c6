package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// progress follows which events of the source are dealt with. The checkpoint is the place below which all are.
type progress struct {
	order []uint64            // what was handed out of the source, ascending, from the oldest that is open on
	open  map[uint64]struct{} // of these, what is not dealt with
	last  uint64              // the newest place seen

	known    bool   // a checkpoint can be told
	safe     uint64 // everything up to here is dealt with
	written  uint64
	any      bool // a checkpoint was ever written
	count    int32
	lastTime time.Time
}

func (p *progress) opened(seq uint64) {
	if p.open == nil {
		p.open = map[uint64]struct{}{}
	}
	p.open[seq] = struct{}{}
	p.order = append(p.order, seq)
	p.last = seq
}

// passed takes note of an event that nobody in the group wants. The bookkeeping of groups must not count: one group's
// checkpoint would call for the next one's for ever.
func (p *progress) passed(seq uint64, counts bool) {
	p.last = seq
	if counts {
		p.count++
	}
	p.advance()
}

func (p *progress) closed(seq uint64) {
	if _, ok := p.open[seq]; ok {
		delete(p.open, seq)
		p.count++
		p.advance()
	}
}

func (p *progress) advance() {
	i := 0
	for i < len(p.order) {
		if _, open := p.open[p.order[i]]; open {
			break
		}
		i++
	}
	done := p.order[:i]
	p.order = p.order[i:]
	switch {
	case len(p.order) == 0:
		p.known, p.safe = true, p.last
	case i > 0:
		p.known, p.safe = true, done[i-1]
	}
}

// pending tells whether there is something new to write.
func (p *progress) pending() bool { return p.count > 0 && p.known && (!p.any || p.safe > p.written) }

const typeCheckpoint = "$SubscriptionCheckpoint"

// checkpointWhenDue: after enough events, or after some events and some time.
func (g *group) checkpointWhenDue(ctx context.Context) {
	p := &g.progress
	if !p.pending() {
		return
	}
	late := time.Since(p.lastTime) >= g.checkpointAfter()
	if p.count >= g.MaxCheckpoint && g.MaxCheckpoint > 0 || late && p.count >= g.MinCheckpoint {
		g.checkpoint(ctx)
	}
}

// checkpoint writes how far the group has come. When that fails it is tried again: events are delivered twice rather
// than not at all.
func (g *group) checkpoint(ctx context.Context) {
	p := &g.progress
	if !p.pending() {
		return
	}
	p.lastTime = time.Now()
	data, err := json.Marshal(g.place(p.safe))
	if err == nil && !p.any {
		meta := &record{ID: uuid.New(), Type: typeMetadata, JSON: true, Data: []byte(`{"$maxCount":2}`)}
		err = g.writeOwn(ctx, metaPrefix+g.checkpointStream(), meta)
	}
	if err == nil {
		err = g.writeOwn(ctx, g.checkpointStream(), &record{ID: uuid.New(), Type: typeCheckpoint, JSON: true, Data: data})
	}
	if err != nil {
		g.node.log.Warn("persistent subscription cannot write its checkpoint", "group", g.name(), "error", err)
		return
	}
	p.any, p.written, p.count = true, p.safe, 0
}

func (g *group) writeOwn(ctx context.Context, stream string, r *record) error {
	o, err := g.node.write(ctx, &write{stream: stream, expect: expectAny, events: []*record{r}})
	if err == nil && o.verdict != verdictWrite && o.verdict != verdictAlready {
		err = fmt.Errorf("stream %q does not take it", stream)
	}
	return err
}

// resume is the first revision or position that was not dealt with before.
func (g *group) resume(ctx context.Context) (uint64, error) {
	r, err := g.node.newest(ctx, g.checkpointStream())
	if err != nil || r == nil {
		return g.Begin, err
	}
	var place string
	if err := json.Unmarshal(r.Data, &place); err != nil {
		return 0, fmt.Errorf("checkpoint of %s: %w", g.name(), err)
	}
	n, err := parsePlace(place)
	if err != nil {
		return 0, fmt.Errorf("checkpoint of %s: %w", g.name(), err)
	}
	g.progress = progress{known: true, safe: n, written: n, last: n, any: true}
	return n + 1, nil
}

// newest is the last visible event of a stream, nil when there is none.
func (n *Node) newest(ctx context.Context, stream string) (*record, error) {
	st, _, err := n.view(ctx, stream)
	if err != nil || st.Tombstoned || st.Last < st.firstVisible() {
		return nil, err
	}
	return n.store.revision(st, st.Last)
}
