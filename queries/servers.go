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

// Server is a server as CONTRACT 2.6 shows it.
type Server struct {
	ID         uuid.UUID       `json:"id"`
	Name       string          `json:"name"`
	SourceType string          `json:"sourceType"`
	SourceID   string          `json:"sourceId,omitempty"`
	Metadata   json.RawMessage `json:"metadata,omitempty"`
	CreatedAt  ISO             `json:"createdAt"`
	UpdatedAt  ISO             `json:"updatedAt"`
	// Created and Position are those of the first and of the last fact; Revision is that of its stream.
	Created  events.Position `json:"-"`
	Revision uint64          `json:"-"`
	Position events.Position `json:"-"`
}

const serverColumns = `select id, name, source_type, coalesce(source_id, '') as source_id, metadata, created_at, updated_at,
	created, revision, position from servers`

// Servers lists servers, the oldest first, and tells how many there are in all.
func (q *Queries) Servers(ctx context.Context, p Page) ([]Server, int, error) {
	return list[Server]{
		what: "servers", row: pgx.RowToStructByName[Server], shown: oldestFirst, count: `select count(*) from servers`,
		sql: byCreation(serverColumns + `
		where (created_at, created) < ($1, $2) and (created_at, created) > ($3, $4)
		order by created_at %[1]s, created %[1]s limit $5`),
	}.read(ctx, q, p)
}

func (s Server) place() (time.Time, events.Position) { return s.CreatedAt.Time(), s.Created }

// Server is one server.
func (q *Queries) Server(ctx context.Context, id uuid.UUID) (Server, error) {
	return one(ctx, q, fmt.Sprintf("server %s", id), pgx.RowToStructByName[Server], serverColumns+` where id = $1`, id)
}
