// Package engine runs projections: it feeds them from the log, commits their rows together with a checkpoint, rebuilds them
// beside what is served, builds them as of an earlier moment, and verifies them. It is given its projections and knows none.
package engine

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"

	"annals/events"
)

// Projection is one read model. Its tables belong to it alone, and their names to no other projection. Raising the
// version fills new tables from the first fact on.
type Projection struct {
	Name string
	// Group names the projections that are committed and waited for together: core, memories, vectors, history.
	Group   string
	Version int
	// Tables is plain DDL without schema names; each generation has a schema of its own. Free JSON is kept as json, and
	// there are no foreign keys, sequences, now(), nor unique constraints besides the key: whatever became an event fits.
	Tables string
	// Rows has the description of each of the tables.
	Rows []Rows
	// Indexes is separate, since a rebuild makes them after the rows. Long keys are indexed by their hash.
	Indexes string
	// Apply queues what a fact stands for, and nothing if it does not matter. It tolerates every interleaving of
	// streams: what is said of a thing that is not there has no effect.
	Apply func(w Writer, e events.Recorded)
}

// Views names the schema through which a build with these projections reads. It changes with every name and version, so
// that builds of different versions read side by side.
func Views(ps []Projection) string {
	sorted := slices.SortedFunc(slices.Values(ps), func(a, b Projection) int { return cmp.Compare(a.Name, b.Name) })
	h := sha256.New()
	for _, p := range sorted {
		_, _ = fmt.Fprintf(h, "%s %d\n", p.Name, p.Version)
	}
	return fmt.Sprintf("views_%x", h.Sum(nil)[:6])
}
