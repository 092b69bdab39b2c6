package projections

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/projections/engine"
)

var channels = engine.Projection{
	Name:    "channels",
	Group:   GroupCore,
	Version: 3,
	// created is the position of the creation, which orders what has the same time; position is that of the last fact.
	Tables: `
create table channels (
	id          uuid primary key,
	server_id   uuid not null,
	name        text not null,
	type        text not null,
	source_type text,
	source_id   text,
	topic       text,
	metadata    json,
	created_at  timestamptz not null,
	updated_at  timestamptz not null,
	created     bigint not null,
	revision    bigint not null,
	position    bigint not null
)` + channelEnds.tables(),
	Indexes: `
create index on channels (server_id, created_at, created);
create index on channels (server_id, hashtextextended(name, 0))`,
	Rows:  channelEnds.rows(channelsTable),
	Apply: applyChannels,
}

type channel struct {
	channelEdit
	ServerID   uuid.UUID       `db:"server_id"`
	Type       string          `db:"type"`
	SourceType string          `db:"source_type,null"`
	SourceID   string          `db:"source_id,null"`
	Topic      string          `db:"topic,null"`
	CreatedAt  time.Time       `db:"created_at"`
	Created    events.Position `db:"created"`
}

type channelEdit struct {
	moved
	Name      string          `db:"name"`
	Metadata  json.RawMessage `db:"metadata,null"`
	UpdatedAt time.Time       `db:"updated_at"`
}

var (
	channelEnds   = newEnds("channels", "created", map[string]string{ofServer: "server_id"})
	channelsTable = engine.NewTable[channel]("channels", channelEnds.unlessDead())
)

func applyChannels(w engine.Writer, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.ChannelCreated:
		channelsTable.Upsert(w, channel{
			channelEdit: channelEdit{move(f.ChannelID, e), f.Name, free(f.AllMetadata()), instant(e)},
			ServerID:    f.ServerID, Type: f.Type, SourceType: f.SourceType, SourceID: f.SourceID, Topic: f.Topic,
			CreatedAt: instant(e), Created: e.Position,
		})
	case events.ChannelUpdated:
		channelsTable.Update(w, channelEdit{move(f.ChannelID, e), f.Name, free(f.AllMetadata()), instant(e)})
	case events.ParticipantJoined:
		channelsTable.Update(w, move(f.ChannelID, e))
	case events.ParticipantLeft:
		channelsTable.Update(w, move(f.ChannelID, e))
	case events.ChannelCleared:
		channelsTable.Update(w, move(f.ChannelID, e))
	case events.ChannelDeleted:
		channelsTable.Delete(w, engine.Where{"id": f.ChannelID})
	default:
		channelEnds.apply(w, e, func(_, condition string, args ...any) { w.Exec("delete from channels where "+condition, args...) })
	}
}
