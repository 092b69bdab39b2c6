package engine

import (
	"context"
	"slices"
	"sync"

	"annals/events"
)

// tellAll tells whoever wants to be told.
func (f *Feed) tellAll(ctx context.Context, telling *sync.WaitGroup) {
	var together []*group
	for _, g := range f.groups {
		if slices.Contains(f.Together, g.name) {
			together = append(together, g)
		}
		if f.Committed != nil {
			telling.Go(func() {
				f.tell(ctx, []*group{g}, func(batch []events.Recorded, upTo events.Position) { f.Committed(g.name, batch, upTo) })
			})
		}
	}
	if f.Readable != nil && len(together) > 0 {
		telling.Go(func() { f.tell(ctx, together, f.Readable) })
	}
}

// tell passes on what has become readable since the feed began, in each of the groups, as it happens, until the context
// ends.
func (f *Feed) tell(ctx context.Context, groups []*group, pass func([]events.Recorded, events.Position)) {
	for _, g := range groups {
		defer context.AfterFunc(ctx, g.wake)()
	}
	told := f.from
	for batch := range f.batches(ctx, told) {
		for len(batch) > 0 {
			readable := groups[0].beyond(ctx, told)
			for _, g := range groups[1:] {
				readable = min(readable, g.beyond(ctx, told))
			}
			if ctx.Err() != nil {
				return
			}
			n := slices.IndexFunc(batch, func(e events.Recorded) bool { return e.Position > readable })
			if n < 0 {
				n = len(batch)
			}
			if n > 0 {
				told = batch[n-1].Position
				pass(batch[:n], told)
				batch = batch[n:]
			} else {
				told = readable // nothing of ours lies in between
			}
		}
	}
}
