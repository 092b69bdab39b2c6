package projections

import (
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/projections/engine"
)

// GroupHistory is what auditors read from.
const GroupHistory = "history"

// history is the index over the whole log. Data and metadata are as the store has them: what is sealed stays sealed, so
// that destroying a key erases it here too. recorded is the store's clock, at that of whoever asked.
var history = engine.Projection{
	Name:    "history",
	Group:   GroupHistory,
	Version: 2,
	Tables: `
create table history (
	position    bigint primary key,
	id          uuid not null,
	stream      text not null,
	category    text not null,
	revision    bigint not null,
	type        text not null,
	actor       text not null,
	correlation uuid not null,
	causation   uuid not null,
	at          timestamptz not null,
	recorded    timestamptz not null,
	data        bytea not null,
	metadata    bytea not null
);
alter table history alter column data set statistics 0, alter column metadata set statistics 0`,
	Indexes: `
create index on history (hashtextextended(stream, 0), position);
create index on history (hashtextextended(category, 0), type, position);
create index on history (type, position);
create index on history (hashtextextended(actor, 0), type, position);
create index on history (correlation, position);
create index on history (causation, position);
create index on history (recorded, position)`,
	Rows:  []engine.Rows{historyTable},
	Apply: applyHistory,
}

type recordedEvent struct {
	Position    events.Position `db:"position,key"`
	ID          uuid.UUID       `db:"id"`
	Stream      events.StreamID `db:"stream"`
	Category    string          `db:"category"`
	Revision    uint64          `db:"revision"`
	Type        string          `db:"type"`
	Actor       string          `db:"actor"`
	Correlation uuid.UUID       `db:"correlation"`
	Causation   uuid.UUID       `db:"causation"`
	At          time.Time       `db:"at"`
	Recorded    time.Time       `db:"recorded"`
	Data        []byte          `db:"data"`
	Metadata    []byte          `db:"metadata"`
}

var historyTable = engine.NewTable[recordedEvent]("history")

func applyHistory(w engine.Writer, e events.Recorded) {
	historyTable.Insert(w, recordedEvent{
		Position: e.Position, ID: e.ID, Stream: e.Stream, Category: e.Stream.Category(), Revision: e.Revision, Type: e.Stored.Type,
		Actor: e.Meta.Actor, Correlation: e.Meta.Correlation, Causation: e.Meta.Causation, At: e.Meta.At.UTC(),
		Recorded: e.Created.UTC(), Data: e.Stored.Data, Metadata: e.Stored.Metadata,
	})
}

// concerns says which agents, persons, channels, rooms and worlds each fact is about. It has the fact's type to narrow what is
// looked through.
var concerns = engine.Projection{
	Name:    "concerns",
	Group:   GroupHistory,
	Version: 2,
	Tables: `
create table concerns (
	thing    uuid not null,
	type     text not null,
	position bigint not null,
	primary key (thing, type, position)
)`,
	Rows:  []engine.Rows{concernsTable},
	Apply: applyConcerns,
}

type concern struct {
	Thing    uuid.UUID       `db:"thing,key"`
	Type     string          `db:"type,key"`
	Position events.Position `db:"position,key"`
}

var concernsTable = engine.NewTable[concern]("concerns")

func applyConcerns(w engine.Writer, e events.Recorded) {
	for _, thing := range events.About(e.Event) {
		concernsTable.Insert(w, concern{thing, e.Stored.Type, e.Position})
	}
}

// History is what auditors read from: every fact, and whom it is about.
func History() []engine.Projection { return []engine.Projection{history, concerns} }
