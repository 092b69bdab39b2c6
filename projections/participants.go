package projections

import (
	"github.com/google/uuid"

	"annals/events"
	"annals/projections/engine"
)

var participants = engine.Projection{
	Name:    "participants",
	Group:   GroupCore,
	Version: 2,
	// (position, place) is the order of joining.
	Tables: `
create table participants (
	channel_id     uuid not null,
	participant_id uuid not null,
	position       bigint not null,
	place          integer not null,
	primary key (channel_id, participant_id)
)` + participantEnds.tables(),
	Indexes: `create index on participants (participant_id)`,
	Rows:    participantEnds.rows(participantsTable),
	Apply:   applyParticipants,
}

type participant struct {
	ChannelID     uuid.UUID       `db:"channel_id,key"`
	ParticipantID uuid.UUID       `db:"participant_id,key"`
	Position      events.Position `db:"position"`
	Place         int32           `db:"place"`
}

var (
	participantEnds   = newEnds("participants", "position", map[string]string{ofChannel: "channel_id"})
	participantsTable = engine.NewTable[participant]("participants", participantEnds.unlessDead())
)

func applyParticipants(w engine.Writer, e events.Recorded) {
	participantEnds.apply(w, e, func(_, condition string, args ...any) { w.Exec("delete from participants where "+condition, args...) })
	switch f := e.Event.(type) {
	case events.ChannelCreated:
		for i, id := range f.Participants {
			participantsTable.Insert(w, participant{f.ChannelID, id, e.Position, int32(i) + 1})
		}
	case events.ParticipantJoined:
		participantsTable.Insert(w, participant{f.ChannelID, f.ParticipantID, e.Position, 1})
	case events.ParticipantLeft:
		participantsTable.Delete(w, engine.Where{"channel_id": f.ChannelID, "participant_id": f.ParticipantID})
	}
}
