package engine

import (
	"slices"
	"sync"
)

// The stages of a filling, in their order.
const (
	stageRows       = "rows"
	stageIndexes    = "indexes"
	stageCatchingUp = "catching up"
	stageDone       = "done"
)

// together makes one progress of that of several fillings: it is as far as the one that is furthest behind.
type together struct {
	report func(Progress) // may be nil
	mu     sync.Mutex
	parts  []Progress
}

// part is what one of the fillings reports to. All parts are made before the first of them reports.
func (t *together) part(gens []*generation) func(Progress) {
	p := Progress{Stage: stageRows, Position: gens[0].position}
	for _, g := range gens {
		p.Position = min(p.Position, g.position)
		p.Projections = append(p.Projections, g.Name)
	}
	i := len(t.parts)
	t.parts = append(t.parts, p)
	return func(p Progress) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.parts[i] = p
		if t.report != nil {
			t.report(t.sum())
		}
	}
}

func (t *together) sum() Progress {
	stages := []string{stageRows, stageIndexes, stageCatchingUp, stageDone}
	all := Progress{Stage: stageDone, Position: t.parts[0].Position}
	for _, p := range t.parts {
		all.Projections = append(all.Projections, p.Projections...)
		all.Position = min(all.Position, p.Position)
		all.Head = max(all.Head, p.Head)
		all.Events = max(all.Events, p.Events)
		if slices.Index(stages, p.Stage) < slices.Index(stages, all.Stage) {
			all.Stage = p.Stage
		}
	}
	return all
}
