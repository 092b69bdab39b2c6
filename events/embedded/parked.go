package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// replay is a running replay of parked events. They stay parked until all of them are dealt with: a crash in between
// loses nothing.
type replay struct {
	running bool
	next    int64 // revision in the parked stream to read next
	stop    int64 // the first that is not replayed
	items   []*item
	open    int // read, and neither acknowledged, skipped nor parked again
}

// park sets an event aside, and tries it again if that fails.
func (g *group) park(ctx context.Context, it *item, reason string) {
	metadata, err := json.Marshal(map[string]any{
		"added": time.Now().UTC().Format(time.RFC3339Nano), "reason": reason, "subscriptionEventNumber": it.record.Revision,
	})
	if err == nil {
		// The id derives from what is parked: after a crash the same event is not parked twice.
		name := fmt.Sprintf("%s %d %d", g.ID, it.record.Position, it.parked)
		err = g.writeOwn(ctx, g.parkedStream(), &record{
			ID: uuid.NewSHA1(uuid.NameSpaceOID, []byte(name)), Type: typeLink,
			Data: fmt.Appendf(nil, "%d@%s", it.record.Revision, it.record.Stream), Metadata: metadata,
		})
	}
	if err != nil {
		g.node.log.Warn("persistent subscription cannot park", "group", g.name(), "position", it.record.Position, "error", err)
		g.again(it)
		return
	}
	g.done(ctx, it)
}

// startReplay begins to deliver the parked events again, those before stopAt if that is positive. A replay that is
// running goes on instead.
func (g *group) startReplay(ctx context.Context, stopAt int64) error {
	if g.replay.running {
		return nil
	}
	st, _, err := g.node.view(ctx, g.parkedStream())
	if err != nil {
		return err
	}
	stop := st.Last + 1
	if stopAt > 0 {
		stop = min(stop, stopAt)
	}
	if first := st.firstVisible(); first < stop {
		g.replay = replay{running: true, next: first, stop: stop}
	}
	return nil
}

// fillReplay reads the next parked events when there is room for them.
func (g *group) fillReplay(ctx context.Context) {
	for g.replay.running && g.replay.next < g.replay.stop && len(g.replay.items) < pageRecords {
		if err := g.readParked(ctx); err != nil {
			g.failure = err
			g.node.log.Error("persistent subscription cannot replay", "group", g.name(), "error", err)
			return
		}
	}
	g.finishReplay(ctx)
}

func (g *group) readParked(ctx context.Context) error {
	st, head, err := g.node.view(ctx, g.parkedStream())
	if err != nil {
		return err
	}
	limit := int(min(g.replay.stop-g.replay.next, pageRecords))
	links, err := g.node.store.streamPage(st, g.replay.next, head, limit, false)
	if err != nil {
		return err
	}
	if len(links) == 0 {
		g.replay.next = g.replay.stop
	}
	for _, link := range links {
		g.replay.next = link.Revision + 1
		target, err := g.node.resolve(ctx, link, true)
		if err != nil {
			return err
		}
		if target.event == nil {
			continue
		}
		it := &item{record: target.event, seq: uint64(target.event.Revision), parked: link.Revision + 1}
		if g.ofAll() {
			it.seq = target.event.Position
		}
		g.replay.items = append(g.replay.items, it)
		g.replay.open++
	}
	return nil
}

// finishReplay removes what was replayed from the parked stream once all of it is dealt with.
func (g *group) finishReplay(ctx context.Context) {
	r := &g.replay
	if !r.running || r.next < r.stop || r.open > 0 {
		return
	}
	st, _, err := g.node.view(ctx, g.parkedStream())
	if err != nil {
		g.node.log.Warn("persistent subscription cannot end its replay", "group", g.name(), "error", err)
		return
	}
	visible := max(r.stop, st.firstVisible()) // an operator may have hidden more meanwhile
	meta := &record{ID: uuid.New(), Type: typeMetadata, JSON: true, Data: fmt.Appendf(nil, `{"$tb":%d}`, visible)}
	if err := g.writeOwn(ctx, metaPrefix+g.parkedStream(), meta); err != nil {
		g.node.log.Warn("persistent subscription cannot end its replay", "group", g.name(), "error", err)
		return
	}
	g.replay = replay{}
}

// parkedCount is how many events are set aside and not being replayed.
func (g *group) parkedCount(ctx context.Context) (int64, error) {
	st, _, err := g.node.view(ctx, g.parkedStream())
	if err != nil {
		return 0, err
	}
	first := st.firstVisible()
	if g.replay.running {
		first = max(first, g.replay.next)
	}
	return max(st.Last+1-first, 0), nil
}
