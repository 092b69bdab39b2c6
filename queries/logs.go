package queries

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// Log is an entry of an agent's log (CONTRACT 2.7). Its body is an object.
type Log struct {
	ID        uuid.UUID       `json:"id"`
	CreatedAt ISO             `json:"createdAt"`
	EntityID  uuid.UUID       `json:"entityId"`
	Body      json.RawMessage `json:"body"`
	Type      string          `json:"type"`
	RoomID    uuid.UUID       `json:"roomId"`
	Position  events.Position `json:"-"`
}

// LogFilter narrows an agent's log. What is empty narrows nothing.
type LogFilter struct {
	Room uuid.UUID
	Type string
	// Excluded leaves out entries of exactly such a type, and those of models whose kind has it in its name.
	Excluded []string
	// Failed leaves out all but errors.
	Failed bool
	// After leaves out what is at the position or before it.
	After events.Position
}

const (
	logColumns = `select id, created_at, entity_id, body, type, room_id, position from `
	logFilter  = `logs where agent_id = $1 and ($2::uuid is null or room_id = $2) and ($3 = '' or type = $3) and (failed or not $6)`
	notLeftOut = `type <> all($4)
	and not exists (select from unnest($5::text[]) as t(part) where model <> '' and position(part in model) > 0)`
)

func (f LogFilter) arguments(agent uuid.UUID) []any {
	parts := make([]string, len(f.Excluded))
	for i, part := range f.Excluded {
		parts[i] = strings.ToLower(part)
	}
	exact := f.Excluded
	if exact == nil {
		exact = []string{}
	}
	return []any{agent, orNone(f.Room), f.Type, exact, parts, f.Failed}
}

// Logs lists an agent's log, the newest first, from an offset on. What is excluded is counted all the same, as in ElizaOS
// (CONTRACT 4.2): the page is shorter by it.
func (q *Queries) Logs(ctx context.Context, agent uuid.UUID, f LogFilter, limit, offset int) ([]Log, error) {
	return page(ctx, q, fmt.Sprintf("log of agent %s", agent), scanLog, logColumns+`(
	select * from `+logFilter+` order by position desc limit $7 offset $8
) page where `+notLeftOut+` order by position desc`, append(f.arguments(agent), min(max(limit, 0), MaxLimit), max(offset, 0))...)
}

// LogsAfter lists what was added to an agent's log after a position, the oldest first.
func (q *Queries) LogsAfter(ctx context.Context, agent uuid.UUID, f LogFilter, limit int) ([]Log, error) {
	return page(ctx, q, fmt.Sprintf("log of agent %s", agent), scanLog, logColumns+logFilter+` and `+notLeftOut+`
and position > $7 order by position limit $8`, append(f.arguments(agent), int64(f.After), min(max(limit, 0), MaxLimit))...)
}

// Log is one entry of an agent's log.
func (q *Queries) Log(ctx context.Context, agent, id uuid.UUID) (Log, error) {
	return one(ctx, q, fmt.Sprintf("log entry %s", id), scanLog, logColumns+`logs where agent_id = $1 and id = $2`, agent, id)
}

// LogsOf lists the entries of one agent's dealing with one message, the oldest first.
func (q *Queries) LogsOf(ctx context.Context, turn uuid.UUID) ([]Log, error) {
	return many(ctx, q, fmt.Sprintf("log of turn %s", turn), scanLog, `
select id, created_at, entity_id, body, type, room_id, position from logs where turn_id = $1 order by position limit $2`, turn, MaxLimit)
}

func scanLog(row pgx.CollectableRow) (Log, error) {
	l, err := pgx.RowToStructByName[Log](row)
	l.Body = whole(l.Body)
	return l, err
}

// whole is the body as ElizaOS's clients know it: a prompt is among the params as well, as it was given to the model, tokens
// are counted in OpenAI's words too, and an action is known by its run.
func whole(body json.RawMessage) json.RawMessage {
	fields := map[string]json.RawMessage{}
	if json.Unmarshal(body, &fields) != nil || fields == nil {
		return json.RawMessage(`{}`)
	}
	known := len(fields)
	if prompt := fields["prompt"]; prompt != nil && fields["params"] == nil {
		fields["params"] = object(map[string]json.RawMessage{"prompt": prompt})
	}
	if fields["action"] != nil && fields["actionId"] == nil && fields["runId"] != nil {
		fields["actionId"] = fields["runId"]
	}
	tokens := map[string]json.RawMessage{}
	if json.Unmarshal(fields["usage"], &tokens) == nil && tokens["totalTokens"] != nil && tokens["total_tokens"] == nil {
		tokens["prompt_tokens"], tokens["completion_tokens"], tokens["total_tokens"] = tokens["promptTokens"], tokens["completionTokens"], tokens["totalTokens"]
		fields["usage"] = object(tokens)
	} else if len(fields) == known {
		return body
	}
	return object(fields)
}

func object(fields map[string]json.RawMessage) json.RawMessage {
	raw, err := json.Marshal(fields)
	if err != nil {
		panic(err) // they come from valid JSON
	}
	return raw
}
