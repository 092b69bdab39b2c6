package queries

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// Message is a message as it is read from a channel (CONTRACT 2.6): Metadata is always an object, with the thought and
// the actions of RawMessage. Times come in two styles.
type Message struct {
	ID            uuid.UUID       `json:"id"`
	ChannelID     uuid.UUID       `json:"channelId"`
	AuthorID      uuid.UUID       `json:"authorId"`
	Content       string          `json:"content"`
	RawMessage    json.RawMessage `json:"rawMessage,omitempty"`
	SourceType    string          `json:"sourceType,omitempty"`
	SourceID      string          `json:"sourceId,omitempty"`
	Metadata      json.RawMessage `json:"metadata"`
	InReplyTo     *uuid.UUID      `json:"inReplyToRootMessageId" nullable:"true"`
	CreatedAt     ISO             `json:"createdAt"`
	UpdatedAt     ISO             `json:"updatedAt"`
	CreatedMillis Millis          `json:"created_at"`
	UpdatedMillis Millis          `json:"updated_at"`
	// ServerID is the server that the request named, AuthorName the name that the author went by.
	ServerID   uuid.UUID `json:"-"`
	AuthorName string    `json:"-"`
	ByAgent    bool      `json:"-"`
	// Submitted and Position are those of the submission and of the last fact; Revision is that of its stream.
	Submitted events.Position `json:"-"`
	Revision  uint64          `json:"-"`
	Position  events.Position `json:"-"`
}

const messageColumns = `select id, channel_id, author_id, content, raw_message, coalesce(source_type, ''),
	coalesce(source_id, ''), metadata, in_reply_to, created_at, updated_at, server_id, author_name, by_agent, submitted,
	revision, position from messages`

func scanMessage(row pgx.CollectableRow) (Message, error) {
	var (
		m                Message
		created, updated time.Time
		raw, metadata    []byte
	)
	err := row.Scan((*[16]byte)(&m.ID), (*[16]byte)(&m.ChannelID), (*[16]byte)(&m.AuthorID), &m.Content, &raw, &m.SourceType,
		&m.SourceID, &metadata, &m.InReplyTo, &created, &updated, (*[16]byte)(&m.ServerID), &m.AuthorName, &m.ByAgent,
		&m.Submitted, &m.Revision, &m.Position)
	if err != nil {
		return m, err
	}
	m.RawMessage, m.Metadata = shown(raw, metadata)
	m.CreatedAt, m.CreatedMillis = bothStyles(created)
	m.UpdatedAt, m.UpdatedMillis = bothStyles(updated)
	return m, nil
}

func bothStyles(t time.Time) (ISO, Millis) { return isoOf(t), Millis(t.UnixMilli()) }

// MessagesIn lists the messages of a channel, the newest first.
func (q *Queries) MessagesIn(ctx context.Context, channel uuid.UUID, p Page) ([]Message, error) {
	found, _, err := list[Message]{
		what: fmt.Sprintf("messages of channel %s", channel), row: scanMessage, shown: newestFirst, args: []any{channel},
		sql: func(o order) string { return messagesIn[o] },
	}.read(ctx, q, p)
	return found, err
}

func (m Message) place() (time.Time, events.Position) { return m.CreatedMillis.Time(), m.Submitted }

var messagesIn = map[order]string{oldestFirst: messagesFrom(oldestFirst), newestFirst: messagesFrom(newestFirst)}

var messagesFrom = byCreation(messageColumns + `
where channel_id = $1 and (created_at, submitted) < ($2, $3) and (created_at, submitted) > ($4, $5)
order by created_at %[1]s, submitted %[1]s limit $6`)

// Message is one message, in the shape that it has in a list.
func (q *Queries) Message(ctx context.Context, id uuid.UUID) (Message, error) {
	return one(ctx, q, fmt.Sprintf("message %s", id), scanMessage, messageColumns+` where id = $1`, id)
}

// ConversationMessage is what a model is shown of a message.
type ConversationMessage struct {
	ID         uuid.UUID
	AuthorID   uuid.UUID
	AuthorName string
	Content    string
	ByAgent    bool
	// SubjectID is the person whose words it has: the author or, of an agent's answer, the author of what it answers, uuid.Nil where
	// that is gone.
	SubjectID uuid.UUID
	Position  events.Position // of the submission
}

// Conversation gives the last n messages of a channel up to and including a position, oldest first.
func (q *Queries) Conversation(ctx context.Context, channel uuid.UUID, upTo events.Position, n int) ([]ConversationMessage, error) {
	found, err := page(ctx, q, fmt.Sprintf("conversation in channel %s", channel), pgx.RowToStructByName[ConversationMessage], `
select m.id, m.author_id, m.author_name, m.content, m.by_agent, m.submitted as position,
	case when m.by_agent and m.in_reply_to is not null
		then coalesce((select asked.author_id from messages asked where asked.id = m.in_reply_to), '00000000-0000-0000-0000-000000000000')
		else m.author_id end as subject_id
from messages m where m.channel_id = $1 and m.submitted <= $2 order by m.created_at desc, m.submitted desc limit $3`,
		channel, int64(upTo), min(max(n, 0), MaxLimit))
	slices.Reverse(found)
	return found, err
}

// recent is how many messages of a channel RecentIn gives.
const recent = 50

// RecentIn are the newest messages of a channel, the newest first.
func (q *Queries) RecentIn(ctx context.Context, channel uuid.UUID) ([]uuid.UUID, error) {
	return many(ctx, q, fmt.Sprintf("messages of channel %s", channel), pgx.RowTo[uuid.UUID], `
select id from messages where channel_id = $1 order by created_at desc, submitted desc limit $2`, channel, recent)
}
