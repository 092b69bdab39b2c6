package queries

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// maxLearned bounds the documents that are listed of a character's knowledge. It names fewer.
const maxLearned = 10_000

// LearnedPaths lists the paths of the documents that an agent remembers because its character named them.
func (q *Queries) LearnedPaths(ctx context.Context, agent uuid.UUID) ([]string, error) {
	return many(ctx, q, fmt.Sprintf("documents of agent %s", agent), pgx.RowTo[string], `
select metadata->>'path' from memories where agent_id = $1 and hashtextextended(collection, 0) = hashtextextended($2, 0) and collection = $2
	and metadata->>'source' = 'character' and metadata->>'path' is not null order by stored limit $3`,
		agent, events.TableDocuments, maxLearned)
}

// Document is a document that an agent knows.
type Document struct {
	ID          uuid.UUID `json:"id"`
	AgentID     uuid.UUID `json:"agentId"`
	EntityID    uuid.UUID `json:"entityId"`
	Title       string    `json:"title"`
	Filename    string    `json:"filename"`
	ContentType string    `json:"contentType"`
	// Source is upload, or character where the agent's character names it.
	Source string `json:"source"`
	// Size is that of the file, in bytes, where it is known.
	Size      int64           `json:"size"`
	Fragments int             `json:"fragments"`
	CreatedAt Millis          `json:"createdAt"`
	Stored    events.Position `json:"-"`
	Revision  uint64          `json:"-"`
}

func (d Document) place() (time.Time, events.Position) { return d.CreatedAt.Time(), d.Stored }

// documentColumns are those of a document. Clients may have stored anything as its metadata.
const documentColumns = `id, agent_id, entity_id, coalesce(metadata->>'title', metadata->>'filename', metadata->>'path', '') as title,
	coalesce(metadata->>'filename', metadata->>'path', '') as filename, coalesce(metadata->>'contentType', 'text/plain') as content_type,
	coalesce(metadata->>'source', '') as source,
	case when metadata->>'size' ~ '^[0-9]{1,15}$' then (metadata->>'size')::bigint else 0 end as size,
	(select count(*) from memories as part where part.document_id = memories.id)::int as fragments, created_at, stored, revision`

// Documents lists the documents of an agent, the newest first, and counts them.
func (q *Queries) Documents(ctx context.Context, agent uuid.UUID, p Page) ([]Document, int, error) {
	const those = `from memories where agent_id = $1 and hashtextextended(collection, 0) = hashtextextended($2, 0) and collection = $2`
	return list[Document]{
		what: fmt.Sprintf("documents of agent %s", agent), row: pgx.RowToStructByName[Document], shown: newestFirst,
		args:  []any{agent, events.TableDocuments},
		count: `select count(*) ` + those,
		sql: byCreation(`select ` + documentColumns + ` ` + those + `
	and (created_at, stored) < ($3, $4) and (created_at, stored) > ($5, $6)
order by created_at %[1]s, stored %[1]s limit $7`),
	}.read(ctx, q, p)
}

// Document is a document of an agent, and its text.
func (q *Queries) Document(ctx context.Context, agent, id uuid.UUID) (Document, string, error) {
	type row struct {
		Document
		Text string
	}
	found, err := one(ctx, q, fmt.Sprintf("document %s", id), pgx.RowToStructByName[row],
		`select `+documentColumns+`, coalesce(content->>'text', '`+events.Erased+`') as text
from memories where id = $1 and agent_id = $2 and collection = $3`,
		id, agent, events.TableDocuments)
	return found.Document, found.Text, err
}

// Fragment is a part of a document.
type Fragment struct {
	ID       uuid.UUID `json:"id"`
	Position int       `json:"position"`
	Text     string    `json:"text"`
}

// maxFragments bounds those that are listed of a document. It has fewer.
const maxFragments = 10_000

// Fragments lists the parts of a document in their order.
func (q *Queries) Fragments(ctx context.Context, document uuid.UUID) ([]Fragment, error) {
	return many(ctx, q, fmt.Sprintf("fragments of document %s", document), pgx.RowToStructByName[Fragment], `
select id, coalesce(content->>'text', '`+events.Erased+`') as text,
	case when metadata->>'position' ~ '^[0-9]{1,6}$' then (metadata->>'position')::int else 0 end as position
from memories where document_id = $1 order by position, stored limit $2`, document, maxFragments)
}
