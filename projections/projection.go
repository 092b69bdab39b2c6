// Package projections turns facts into the rows that queries read, exactly once each. A projection is a file: its tables,
// its version and its Apply together; package engine runs them.
package projections

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/projections/engine"
)

// Groups: core is what every request reads from, memories what agents remember, vectors how that is searched.
const (
	GroupCore     = "core"
	GroupMemories = "memories"
	GroupVectors  = "vectors"
)

// All is every projection of this build.
func All() []engine.Projection { return slices.Concat(Core(), Memories(), Vectors(), History()) }

// Memories is what agents remember, of whom, and where.
func Memories() []engine.Projection { return []engine.Projection{worlds, rooms, entities, memories} }

// Vectors is how memories are found. An index of vectors is slow to write: nothing else waits for it.
func Vectors() []engine.Projection { return []engine.Projection{vectors} }

// Core is what every request reads from: who is there, where, and what was said.
func Core() []engine.Projection {
	return []engine.Projection{agents, servers, channels, participants, messages, turns, logs, files, sessions, jobs, deadlines}
}

// moved is where the last fact about something leaves its row; If-Match is compared with the revision.
type moved struct {
	ID       uuid.UUID       `db:"id,key"`
	Revision uint64          `db:"revision"`
	Position events.Position `db:"position"`
}

func move(id uuid.UUID, e events.Recorded) moved { return moved{id, e.Revision, e.Position} }

// instant is a time as clients see it, to the millisecond: what they send back as a cursor meets the row exactly.
func instant(e events.Recorded) time.Time { return e.Meta.At.UTC().Truncate(time.Millisecond) }

// free is free JSON, with null and absent being the same.
func free(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	return raw
}
