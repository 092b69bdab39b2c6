package queries

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// Memory is a memory of an agent as CONTRACT 2.7 shows it. Content is an object, and so is Metadata.
type Memory struct {
	ID        uuid.UUID       `json:"id"`
	Type      string          `json:"type"` // the table
	CreatedAt Millis          `json:"createdAt"`
	Content   json.RawMessage `json:"content"`
	EntityID  uuid.UUID       `json:"entityId"`
	AgentID   uuid.UUID       `json:"agentId"`
	RoomID    uuid.UUID       `json:"roomId"`
	Unique    bool            `json:"unique"`
	Metadata  json.RawMessage `json:"metadata"`
	// Embedding is there when it was asked for, and is known.
	Embedding []float32 `json:"embedding,omitempty"`
	// EmbeddingModel is the model that it is of, "given" for a vector that came without a name.
	EmbeddingModel string `json:"embeddingModel,omitempty"`
	// WorldID is nil where the room belongs to none. Stored and Position are those of the first and of the last fact;
	// Revision is that of its stream.
	WorldID    *uuid.UUID      `json:"-"`
	SubjectID  uuid.UUID       `json:"-"`
	DocumentID *uuid.UUID      `json:"-"`
	MessageID  *uuid.UUID      `json:"-"`
	Stored     events.Position `json:"-"`
	Revision   uint64          `json:"-"`
	Position   events.Position `json:"-"`
}

const memoryColumns = `select id, collection, created_at, content, entity_id, agent_id, room_id, is_unique and repeat_of is null, metadata, world_id,
	subject_id, document_id, message_id, stored, revision, position from memories`

func scanMemory(row pgx.CollectableRow) (Memory, error) {
	var (
		m                 Memory
		content, metadata []byte
	)
	err := row.Scan((*[16]byte)(&m.ID), &m.Type, &m.CreatedAt, &content, (*[16]byte)(&m.EntityID), (*[16]byte)(&m.AgentID),
		(*[16]byte)(&m.RoomID), &m.Unique, &metadata, &m.WorldID, (*[16]byte)(&m.SubjectID), &m.DocumentID, &m.MessageID, &m.Stored,
		&m.Revision, &m.Position)
	m.Content, m.Metadata = objectOr(content, erasedContent), objectOr(metadata, noMetadata)
	return m, err
}

// What is shown of a memory whose subject was erased, and of one without metadata.
var (
	erasedContent = json.RawMessage(`{"text":"` + events.Erased + `"}`)
	noMetadata    = json.RawMessage(`{}`)
)

func objectOr(raw []byte, otherwise json.RawMessage) json.RawMessage {
	if trimmed := strings.TrimSpace(string(raw)); !strings.HasPrefix(trimmed, "{") {
		return otherwise
	}
	return raw
}

// MemoryFilter says which memories are wanted; what is not set does not matter.
type MemoryFilter struct {
	Agent, Room, World, Entity uuid.UUID
	Table                      string
	From, To                   time.Time // both inclusive
	Metadata                   []MetadataIs
}

// MetadataIs says that a member of the metadata has a value, as text. Keys go from the outermost to the innermost.
type MetadataIs struct {
	Keys  []string
	Value string
}

// metadataIs is true where the value is there, or one of a list that is there. A key may have dots.
const metadataIs = `(metadata #>> $%[1]d = $%[3]d or metadata ->> $%[2]d = $%[3]d or json_typeof(metadata #> $%[1]d) = 'array' and exists (
	select from json_array_elements_text(case json_typeof(metadata #> $%[1]d) when 'array' then metadata #> $%[1]d end) as one where one = $%[3]d))`

// where is the condition in SQL, and its arguments.
func (f MemoryFilter) where() (string, []any) {
	conditions, args := []string{"true"}, []any{}
	is := func(format string, value any) {
		args = append(args, value)
		conditions = append(conditions, fmt.Sprintf(format, len(args)))
	}
	if f.Agent != uuid.Nil {
		is("agent_id = $%d", f.Agent)
	}
	if f.Room != uuid.Nil {
		is("room_id = $%d", f.Room)
	}
	if f.World != uuid.Nil {
		is("world_id = $%d", f.World)
	}
	if f.Table != "" {
		is("hashtextextended(collection, 0) = hashtextextended($%[1]d, 0) and collection = $%[1]d", f.Table)
	}
	if f.Entity != uuid.Nil {
		is("entity_id = $%d", f.Entity)
	}
	if !f.From.IsZero() {
		is("created_at >= $%d", f.From)
	}
	if !f.To.IsZero() {
		is("created_at <= $%d", f.To)
	}
	for _, m := range f.Metadata {
		n := len(args)
		args = append(args, m.Keys, strings.Join(m.Keys, "."), m.Value)
		conditions = append(conditions, fmt.Sprintf(metadataIs, n+1, n+2, n+3))
	}
	return strings.Join(conditions, " and "), args
}

// Memories lists memories, the newest first.
func (q *Queries) Memories(ctx context.Context, f MemoryFilter, p Page) ([]Memory, error) {
	where, args := f.where()
	n := len(args)
	found, _, err := list[Memory]{
		what: "memories", row: scanMemory, shown: newestFirst, args: args,
		sql: func(o order) string {
			return fmt.Sprintf(memoryColumns+` where %s and (created_at, stored) < ($%d, $%d) and (created_at, stored) > ($%d, $%d)
order by created_at %[6]s, stored %[6]s limit $%[7]d`, where, n+1, n+2, n+3, n+4, o, n+5)
		},
	}.read(ctx, q, p)
	return found, err
}

func (m Memory) place() (time.Time, events.Position) { return m.CreatedAt.Time(), m.Stored }

// CountMemories tells how many there are.
func (q *Queries) CountMemories(ctx context.Context, f MemoryFilter) (int, error) {
	where, args := f.where()
	return one(ctx, q, "memories", pgx.RowTo[int], `select count(*) from memories where `+where, args...)
}

// Memory is one memory.
func (q *Queries) Memory(ctx context.Context, id uuid.UUID) (Memory, error) {
	return one(ctx, q, fmt.Sprintf("memory %s", id), scanMemory, memoryColumns+` where id = $1`, id)
}

// OldestMemories lists an agent's memories in the order in which they were stored, after a position, for who reads them all.
func (q *Queries) OldestMemories(ctx context.Context, agent uuid.UUID, after events.Position, limit int) ([]Memory, error) {
	return page(ctx, q, "memories", scanMemory, memoryColumns+` where agent_id = $1 and stored > $2 order by stored limit $3`,
		agent, int64(after), min(max(limit, 0), MaxLimit))
}

// Embed looks up the vectors of a page of memories, as far as they are known. The page ends where they have PageBytes together with the
// memories, at its end or, with backwards, at its beginning.
func (q *Queries) Embed(ctx context.Context, page []Memory, backwards bool) ([]Memory, error) {
	if backwards {
		slices.Reverse(page)
		defer func() { slices.Reverse(page) }()
	}
	ids, filled := make([]uuid.UUID, len(page)), 0
	for i, m := range page {
		ids[i] = m.ID
		filled += len(m.Content) + len(m.Metadata)
	}
	type row struct {
		ID        uuid.UUID
		Embedding []float32
		Model     string
	}
	found, err := pageAfter(ctx, q, "vectors", pgx.RowToStructByPos[row], filled,
		`select id, embedding::real[], model from vectors where id = any($1) and embedding is not null order by array_position($1, id)`, ids)
	if err != nil {
		return nil, err
	}
	known := make(map[uuid.UUID]row, len(found.rows))
	for _, r := range found.rows {
		known[r.ID] = r
	}
	if found.cut { // at the first that is missing; one at least is shown
		last := uuid.Nil
		if n := len(found.rows); n > 0 {
			last = found.rows[n-1].ID
		}
		page = page[:max(slices.Index(ids, last), 0)+1]
	}
	for i, m := range page {
		page[i].Embedding, page[i].EmbeddingModel = known[m.ID].Embedding, known[m.ID].Model
	}
	return page, nil
}
