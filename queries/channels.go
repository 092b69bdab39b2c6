package queries

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// Channel is a channel as CONTRACT 2.6 shows it.
type Channel struct {
	ID         uuid.UUID       `json:"id"`
	ServerID   uuid.UUID       `json:"messageServerId"`
	Name       string          `json:"name"`
	Type       string          `json:"type"`
	SourceType string          `json:"sourceType,omitempty"`
	SourceID   string          `json:"sourceId,omitempty"`
	Topic      string          `json:"topic,omitempty"`
	Metadata   json.RawMessage `json:"metadata,omitempty"`
	CreatedAt  ISO             `json:"createdAt"`
	UpdatedAt  ISO             `json:"updatedAt"`
	// Created and Position are those of the first and of the last fact; Revision is that of its stream.
	Created  events.Position `json:"-"`
	Revision uint64          `json:"-"`
	Position events.Position `json:"-"`
}

const channelColumns = `select id, server_id, name, type, coalesce(source_type, '') as source_type,
	coalesce(source_id, '') as source_id, coalesce(topic, '') as topic, metadata, created_at, updated_at, created, revision,
	position from channels`

// Channels lists the channels of a server, the oldest first, and tells how many there are in all.
func (q *Queries) Channels(ctx context.Context, server uuid.UUID, p Page) ([]Channel, int, error) {
	return list[Channel]{
		what: fmt.Sprintf("channels of server %s", server), row: pgx.RowToStructByName[Channel], shown: oldestFirst, args: []any{server},
		count: `select count(*) from channels where server_id = $1`,
		sql: byCreation(channelColumns + `
		where server_id = $1 and (created_at, created) < ($2, $3) and (created_at, created) > ($4, $5)
		order by created_at %[1]s, created %[1]s limit $6`),
	}.read(ctx, q, p)
}

func (c Channel) place() (time.Time, events.Position) { return c.CreatedAt.Time(), c.Created }

// Channel is one channel.
func (q *Queries) Channel(ctx context.Context, id uuid.UUID) (Channel, error) {
	return one(ctx, q, fmt.Sprintf("channel %s", id), pgx.RowToStructByName[Channel], channelColumns+` where id = $1`, id)
}

// ChannelDetails returns one channel with its participants in the metadata, as clients expect before they add or remove one.
func (q *Queries) ChannelDetails(ctx context.Context, id uuid.UUID) (Channel, error) {
	found, err := q.Channel(ctx, id)
	if err != nil {
		return found, err
	}
	there, _, err := q.Participants(ctx, id, Members{Limit: MaxLimit})
	if err != nil {
		return found, err
	}
	var fields map[string]json.RawMessage
	if len(found.Metadata) > 0 && json.Unmarshal(found.Metadata, &fields) != nil || fields == nil {
		fields = map[string]json.RawMessage{}
	}
	if there == nil {
		there = []uuid.UUID{}
	}
	if fields["participantCentralUserIds"], err = json.Marshal(there); err != nil {
		return found, err
	}
	found.Metadata, err = json.Marshal(fields)
	return found, err
}

// ChannelNamed is the oldest channel of that type and exact name in a server.
func (q *Queries) ChannelNamed(ctx context.Context, server uuid.UUID, typ, name string) (Channel, error) {
	return one(ctx, q, fmt.Sprintf("channel of type %s in server %s", typ, server), pgx.RowToStructByName[Channel],
		channelColumns+` where server_id = $1 and hashtextextended(name, 0) = hashtextextended($2, 0) and name = $2
		and type = $3 order by created_at, created limit 1`, server, name, typ)
}
