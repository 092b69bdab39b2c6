package projections

import (
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
	Apply: applyHistory,
}

func applyHistory(w engine.Writer, e events.Recorded) {
	w.Exec(`
insert into history (position, id, stream, category, revision, type, actor, correlation, causation, at, recorded, data, metadata)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict (position) do nothing`,
		int64(e.Position), e.ID, string(e.Stream), e.Stream.Category(), int64(e.Revision), e.Stored.Type, e.Meta.Actor,
		e.Meta.Correlation, e.Meta.Causation, e.Meta.At.UTC(), e.Created.UTC(), e.Stored.Data, e.Stored.Metadata)
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
	Apply: applyConcerns,
}

func applyConcerns(w engine.Writer, e events.Recorded) {
	for _, thing := range events.Concerned(e.Event) {
		w.Exec(`insert into concerns (thing, type, position) values ($1, $2, $3) on conflict (thing, type, position) do nothing`,
			thing, e.Stored.Type, int64(e.Position))
	}
}

// History is what auditors read from: every fact, and whom it is about.
func History() []engine.Projection { return []engine.Projection{history, concerns} }
