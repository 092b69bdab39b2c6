package projections

import (
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/projections/engine"
)

// deadlines lists what ends by itself, and when: the one place that says which command is due.
var deadlines = engine.Projection{
	Name:    "deadlines",
	Group:   GroupCore,
	Version: 1,
	Tables: `
create table deadlines (
	id      uuid not null,
	command text not null,
	due     timestamptz not null,
	primary key (id, command)
)`,
	Indexes: `create index on deadlines (due)`,
	Rows:    []engine.Rows{deadlinesTable},
	Apply:   applyDeadlines,
}

type deadline struct {
	ID      uuid.UUID `db:"id,key"`
	Command string    `db:"command,key"`
	Due     time.Time `db:"due"`
}

var deadlinesTable = engine.NewTable[deadline]("deadlines")

func applyDeadlines(w engine.Writer, e events.Recorded) {
	f, ok := e.Event.(events.Timed)
	if !ok {
		return
	}
	d := f.Deadline()
	if d.Due.IsZero() {
		deadlinesTable.Delete(w, engine.Where{"id": d.ID, "command": d.Command})
		return
	}
	deadlinesTable.Upsert(w, deadline{d.ID, d.Command, d.Due})
}
