package projections

import (
	"github.com/google/uuid"

	"annals/events"
	"annals/projections/engine"
)

var messages = engine.Projection{
	Name:    "messages",
	Group:   GroupCore,
	Version: 2,
	// submitted is the position of the submission, which a clear of the channel is compared with and which orders what has
	// the same time; position is that of the last fact about the message.
	Tables: `
create table messages (
	id          uuid primary key,
	channel_id  uuid not null,
	server_id   uuid not null,
	author_id   uuid not null,
	author_name text not null,
	content     text not null,
	raw_message json,
	metadata    json,
	source_type text,
	source_id   text,
	in_reply_to uuid,
	by_agent    boolean not null,
	created_at  timestamptz not null,
	updated_at  timestamptz not null,
	submitted   bigint not null,
	revision    bigint not null,
	position    bigint not null
)`,
	// Words are looked for in the beginning of a text alone: PostgreSQL has no room for those of a very long one.
	Indexes: `
create index on messages (channel_id, created_at desc, submitted desc);
create index messages_words on messages using gin (to_tsvector('simple', left(content, 100000)));
alter index messages_words alter column 1 set statistics 0`,
	Apply: applyMessages,
}

func applyMessages(w engine.Writer, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.MessageSubmitted:
		w.Exec(`
insert into messages (id, channel_id, server_id, author_id, author_name, content, raw_message, metadata, source_type,
	source_id, in_reply_to, by_agent, created_at, updated_at, submitted, revision, position)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $15, $14, $15)
on conflict (id) do update set (channel_id, server_id, author_id, author_name, content, raw_message, metadata, source_type,
	source_id, in_reply_to, by_agent, created_at, updated_at, submitted, revision, position)
= (excluded.channel_id, excluded.server_id, excluded.author_id, excluded.author_name, excluded.content,
	excluded.raw_message, excluded.metadata, excluded.source_type, excluded.source_id, excluded.in_reply_to,
	excluded.by_agent, excluded.created_at, excluded.updated_at, excluded.submitted, excluded.revision, excluded.position)`,
			f.MessageID, f.ChannelID, f.ServerID, f.AuthorID, f.AuthorName, f.Content, free(f.RawMessage), free(f.Metadata),
			text(f.SourceType), text(f.SourceID), reference(f.InReplyTo), f.ByAgent, instant(e), int64(e.Revision), int64(e.Position))
	case events.MessageEdited:
		w.Exec(`update messages set (content, metadata, updated_at, revision, position) = ($2, $3, $4, $5, $6) where id = $1`,
			f.MessageID, f.Content, free(f.Metadata), instant(e), int64(e.Revision), int64(e.Position))
	case events.MessageDeleted:
		w.Exec(`delete from messages where id = $1`, f.MessageID)
	case events.ChannelCleared:
		clearMessages(w, f.ChannelID, e)
	case events.ChannelDeleted:
		clearMessages(w, f.ChannelID, e)
	}
}

// clearMessages removes what was submitted before the fact, which is all there is; the comparison says why.
func clearMessages(w engine.Writer, channel uuid.UUID, e events.Recorded) {
	w.Exec(`delete from messages where channel_id = $1 and submitted < $2`, channel, int64(e.Position))
}
