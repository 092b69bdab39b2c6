package projections

import (
	"context"
	"slices"

	"annals/events"
)

// tell passes on what has become readable since the feed began, as it happens, until the context ends.
func (f *Feed) tell(ctx context.Context, g *group) {
	if f.Committed == nil {
		return
	}
	defer context.AfterFunc(ctx, g.wake)()
	told := f.from
	for batch := range f.reading().batches(ctx, told) {
		for len(batch) > 0 {
			readable := g.beyond(ctx, told)
			if ctx.Err() != nil {
				return
			}
			n := slices.IndexFunc(batch, func(e events.Recorded) bool { return e.Position > readable })
			if n < 0 {
				n = len(batch)
			}
			if n > 0 {
				told = batch[n-1].Position
				f.Committed(g.name, batch[:n], told)
				batch = batch[n:]
			} else {
				told = readable // nothing of ours lies in between
			}
		}
	}
}
