package projections

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"annals/events"
	"annals/events/terms"
	"annals/projections/engine"
)

var messages = engine.Projection{
	Name:    "messages",
	Group:   GroupCore,
	Version: 4,
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
	words       tsvector not null,
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
)` + messageEnds.tables(),
	Indexes: `
create index on messages (channel_id, created_at desc, submitted desc);
create index messages_words on messages using gin (words);
alter table messages alter words set statistics 0`,
	Rows:  messageEnds.rows(messagesTable),
	Apply: applyMessages,
}

type message struct {
	messageEdit
	ChannelID  uuid.UUID       `db:"channel_id"`
	ServerID   uuid.UUID       `db:"server_id"`
	AuthorID   uuid.UUID       `db:"author_id"`
	AuthorName string          `db:"author_name"`
	RawMessage json.RawMessage `db:"raw_message,null"`
	SourceType string          `db:"source_type,null"`
	SourceID   string          `db:"source_id,null"`
	InReplyTo  uuid.UUID       `db:"in_reply_to,null"`
	ByAgent    bool            `db:"by_agent"`
	CreatedAt  time.Time       `db:"created_at"`
	Submitted  events.Position `db:"submitted"`
}

type messageEdit struct {
	moved
	Content   string          `db:"content"`
	Words     pgtype.TSVector `db:"words"`
	Metadata  json.RawMessage `db:"metadata,null"`
	UpdatedAt time.Time       `db:"updated_at"`
}

// messageAction is what an agent that shows an action changes.
type messageAction struct {
	messageEdit
	RawMessage json.RawMessage `db:"raw_message,null"`
	SourceType string          `db:"source_type,null"`
	InReplyTo  uuid.UUID       `db:"in_reply_to,null"`
}

var (
	messageEnds   = newEnds("messages", "submitted", map[string]string{ofChannel: "channel_id"}).withClears(ofChannel)
	messagesTable = engine.NewTable[message]("messages", messageEnds.unlessDead())
)

func applyMessages(w engine.Writer, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.MessageSubmitted:
		messagesTable.Upsert(w, message{
			messageEdit: messageEdit{move(f.MessageID, e), f.Content, lexemes(terms.Analyze(f.Content)), free(f.Metadata), instant(e)},
			ChannelID:   f.ChannelID, ServerID: f.ServerID, AuthorID: f.AuthorID, AuthorName: f.AuthorName, RawMessage: free(f.RawMessage),
			SourceType: f.SourceType, SourceID: f.SourceID, InReplyTo: f.InReplyTo, ByAgent: f.ByAgent, CreatedAt: instant(e),
			Submitted: e.Position,
		})
	case events.MessageEdited:
		edit := messageEdit{move(f.MessageID, e), f.Content, lexemes(terms.Analyze(f.Content)), free(f.Metadata), instant(e)}
		if f.Action {
			messagesTable.Update(w, messageAction{edit, free(f.RawMessage), f.SourceType, f.InReplyTo})
			return
		}
		messagesTable.Update(w, edit)
	case events.MessageDeleted:
		messagesTable.Delete(w, engine.Where{"id": f.MessageID})
	default:
		messageEnds.apply(w, e, func(_, condition string, args ...any) { w.Exec("delete from messages where "+condition, args...) })
	}
}
