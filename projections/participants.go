package projections

import (
	"annals/events"
	"annals/projections/engine"
)

var participants = engine.Projection{
	Name:    "participants",
	Group:   GroupCore,
	Version: 1,
	// (position, place) is the order of joining.
	Tables: `
create table participants (
	channel_id     uuid not null,
	participant_id uuid not null,
	position       bigint not null,
	place          integer not null,
	primary key (channel_id, participant_id)
)`,
	Indexes: `create index on participants (participant_id)`,
	Apply:   applyParticipants,
}

func applyParticipants(w engine.Writer, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.ChannelCreated:
		if len(f.Participants) > 0 {
			w.Exec(`
insert into participants (channel_id, participant_id, position, place)
select $1, p.id, $3, p.place from unnest($2::uuid[]) with ordinality as p(id, place) on conflict do nothing`,
				f.ChannelID, f.Participants, int64(e.Position))
		}
	case events.ParticipantJoined:
		w.Exec(`
insert into participants (channel_id, participant_id, position, place) values ($1, $2, $3, 1) on conflict do nothing`,
			f.ChannelID, f.ParticipantID, int64(e.Position))
	case events.ParticipantLeft:
		w.Exec(`delete from participants where channel_id = $1 and participant_id = $2`, f.ChannelID, f.ParticipantID)
	case events.ChannelDeleted:
		w.Exec(`delete from participants where channel_id = $1`, f.ChannelID)
	}
}
