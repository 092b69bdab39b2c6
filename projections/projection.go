// Package projections turns facts into the rows that queries read, exactly once each. A projection is a file: its tables,
// its version and its Apply together; the feed runs them.
package projections

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

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
	// Indexes is separate, since a rebuild makes them after the rows. Long keys are indexed by their hash.
	Indexes string
	// Apply queues the SQL that a fact stands for, and nothing if it does not matter. It tolerates every interleaving of
	// streams: what is said of a thing that is not there has no effect.
	Apply func(q *pgx.Batch, e events.Recorded)
	// Types registers the types of its columns that pgx does not know with a connection; it may be nil.
	Types func(context.Context, *pgx.Conn) error
}

// Groups: core is what every request reads from, memories what agents remember, vectors how that is searched.
const (
	GroupCore     = "core"
	GroupMemories = "memories"
	GroupVectors  = "vectors"
)

// All is every projection of this build.
func All() []Projection { return slices.Concat(Core(), Memories(), Vectors(), History()) }

// Memories is what agents remember, of whom, and where.
func Memories() []Projection { return []Projection{worlds, rooms, entities, memories} }

// Vectors is how memories are found. An index of vectors is slow to write: nothing else waits for it.
func Vectors() []Projection { return []Projection{vectors} }

// Core is what every request reads from: who is there, where, and what was said.
func Core() []Projection {
	return []Projection{agents, servers, channels, participants, messages, turns, logs, files}
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

// instant is a time as clients see it, to the millisecond: what they send back as a cursor meets the row exactly.
func instant(e events.Recorded) time.Time { return e.Meta.At.UTC().Truncate(time.Millisecond) }

// free is free JSON, with null and absent being the same.
func free(raw json.RawMessage) any {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	return raw
}

// text is an optional text, with empty and absent being the same.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// reference is an optional id.
func reference(id uuid.UUID) any {
	if id == uuid.Nil {
		return nil
	}
	return id
}
