package queries

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"annals/events"
)

// Status of an agent.
const (
	Active   = "active"
	Inactive = "inactive"
)

// AgentItem is an agent in a list (CONTRACT 2.5). Bio is its first line.
type AgentItem struct {
	ID            uuid.UUID `json:"id"`
	Name          string    `json:"name"`
	CharacterName string    `json:"characterName"`
	Bio           string    `json:"bio"`
	Status        string    `json:"status"`
}

// Agent is an agent as CONTRACT 2.5 shows it. Settings contains the secrets in their encrypted form.
type Agent struct {
	ID              uuid.UUID       `json:"id"`
	Enabled         bool            `json:"enabled"`
	CreatedAt       Millis          `json:"createdAt"`
	UpdatedAt       Millis          `json:"updatedAt"`
	Name            string          `json:"name"`
	Username        string          `json:"username"`
	System          string          `json:"system,omitempty"`
	Bio             json.RawMessage `json:"bio,omitempty"`
	Templates       json.RawMessage `json:"templates,omitempty"`
	MessageExamples json.RawMessage `json:"messageExamples"`
	PostExamples    []string        `json:"postExamples"`
	Topics          []string        `json:"topics"`
	Adjectives      []string        `json:"adjectives"`
	Knowledge       json.RawMessage `json:"knowledge"`
	Plugins         []string        `json:"plugins"`
	Settings        json.RawMessage `json:"settings"`
	Style           json.RawMessage `json:"style"`
	Status          string          `json:"status"`
	// Revision is that of its stream, Position that of the last fact.
	Revision uint64          `json:"-"`
	Position events.Position `json:"-"`
}

const agentStatus = `case when running then '` + Active + `' else '` + Inactive + `' end as status`

// maxSorted bounds how many agents are put in order at once: names have no order in PostgreSQL that clients would know.
const maxSorted = 100_000

// Agents lists the agents, MaxLimit of them at most, active ones first, then by name as JavaScript's localeCompare sorts.
func (q *Queries) Agents(ctx context.Context) ([]AgentItem, error) {
	return q.sortedAgents(ctx, MaxLimit)
}

func (q *Queries) sortedAgents(ctx context.Context, limit int) ([]AgentItem, error) {
	all, err := many(ctx, q, "agents", pgx.RowToStructByName[AgentItem],
		`select id, name, name as character_name, summary as bio, `+agentStatus+` from agents order by running desc, id limit $1`, limit)
	if err != nil {
		return nil, err
	}
	sortAgents(all)
	return all, nil
}

// AgentsPage is a part of that list, and tells how many agents there are. It is cut where the list stands now: an agent that
// was started or renamed meanwhile has another place.
func (q *Queries) AgentsPage(ctx context.Context, p Members) (page []AgentItem, total int, err error) {
	all, err := q.sortedAgents(ctx, maxSorted)
	if err != nil {
		return nil, 0, err
	}
	from, to := 0, len(all)
	for _, c := range []struct {
		id    uuid.UUID
		place *int
		add   int
	}{{p.After, &from, 1}, {p.Before, &to, 0}} {
		if c.id == uuid.Nil {
			continue
		}
		at := slices.IndexFunc(all, func(a AgentItem) bool { return a.ID == c.id })
		if at < 0 {
			return nil, len(all), fmt.Errorf("the cursor among the agents: %w", ErrNotFound)
		}
		*c.place = at + c.add
	}
	page = all[from:max(from, to)]
	limit := min(max(p.Limit, 0), MaxLimit, len(page))
	if p.Before != uuid.Nil && p.After == uuid.Nil {
		return page[len(page)-limit:], len(all), nil
	}
	return page[:limit], len(all), nil
}

// collators make sort keys; one serves one goroutine at a time.
var collators = sync.Pool{New: func() any { return collate.New(language.Und) }}

// sortAgents makes each key once: comparing two texts costs as much as making both their keys.
func sortAgents(all []AgentItem) {
	c := collators.Get().(*collate.Collator)
	defer collators.Put(c)
	var keys collate.Buffer
	byName := make(map[uuid.UUID][]byte, len(all))
	for _, a := range all {
		byName[a.ID] = c.KeyFromString(&keys, a.Name)
	}
	slices.SortFunc(all, func(a, b AgentItem) int {
		return cmp.Or(cmp.Compare(a.Status, b.Status), bytes.Compare(byName[a.ID], byName[b.ID]), bytes.Compare(a.ID[:], b.ID[:]))
	})
}

// Agent is one agent, running or not.
func (q *Queries) Agent(ctx context.Context, id uuid.UUID) (Agent, error) {
	return one(ctx, q, fmt.Sprintf("agent %s", id), pgx.RowToStructByName[Agent], `
select id, enabled, created_at, updated_at, name, username, system, bio, templates,
	coalesce(message_examples, '[]') as message_examples, post_examples, topics, adjectives,
	coalesce(knowledge, '[]') as knowledge, plugins, settings, coalesce(style, '{}') as style, `+agentStatus+`, revision, position
from agents where id = $1`, id)
}

// AgentNamed is the id of the agent with that name, as names are compared; the oldest, should there be several.
func (q *Queries) AgentNamed(ctx context.Context, name string) (uuid.UUID, error) {
	return one(ctx, q, "agent of that name", pgx.RowTo[uuid.UUID], `
select id from agents where hashtextextended(name_key, 0) = hashtextextended($1, 0) and name_key = $1 order by created_at, id limit 1`,
		events.AgentNameKey(name))
}

// RunningAgents counts the agents that take part and answer.
func (q *Queries) RunningAgents(ctx context.Context) (int, error) {
	return one(ctx, q, "running agents", pgx.RowTo[int], `select count(*) from agents where running`)
}
