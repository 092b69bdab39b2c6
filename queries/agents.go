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
	all, _, err := q.AgentsPage(ctx, Members{Limit: MaxLimit})
	return all, err
}

// RunningAgents lists the ids of the agents that take part and answer, MaxLimit of them at most.
func (q *Queries) RunningAgents(ctx context.Context) ([]uuid.UUID, error) {
	return many(ctx, q, "running agents", pgx.RowTo[uuid.UUID], `select id from agents where running order by id limit $1`, MaxLimit)
}

// agentName is what agents are put in order by. Of a long name the beginning counts.
type agentName struct {
	ID      uuid.UUID
	Name    string
	Running bool
}

// AgentsPage is a part of that list, and tells how many agents there are. It is cut where the list stands now: an agent that
// was started or renamed meanwhile has another place.
func (q *Queries) AgentsPage(ctx context.Context, p Members) (shown []AgentItem, total int, err error) {
	all, err := many(ctx, q, "agents", pgx.RowToStructByPos[agentName],
		`select id, left(name, 256), running from agents order by running desc, id limit $1`, maxSorted)
	if err != nil {
		return nil, 0, err
	}
	sortAgents(all)
	from, to := 0, len(all)
	for _, c := range []struct {
		id    uuid.UUID
		place *int
		add   int
	}{{p.After, &from, 1}, {p.Before, &to, 0}} {
		if c.id == uuid.Nil {
			continue
		}
		at := slices.IndexFunc(all, func(a agentName) bool { return a.ID == c.id })
		if at < 0 {
			return nil, len(all), fmt.Errorf("the cursor among the agents: %w", ErrNotFound)
		}
		*c.place = at + c.add
	}
	part := all[from:max(from, to)]
	limit := min(max(p.Limit, 0), MaxLimit, len(part))
	backwards := p.Before != uuid.Nil && p.After == uuid.Nil
	if part = part[:limit:limit]; backwards {
		part = all[max(from, to)-limit : max(from, to)]
	}
	shown, err = q.agentItems(ctx, part, backwards)
	return shown, len(all), err
}

// agentItems shows agents in their order, from the end where the page is to end early there.
func (q *Queries) agentItems(ctx context.Context, named []agentName, backwards bool) ([]AgentItem, error) {
	if len(named) == 0 {
		return nil, nil
	}
	ids := make([]uuid.UUID, len(named))
	for i, a := range named {
		ids[i] = a.ID
	}
	if backwards {
		slices.Reverse(ids)
	}
	shown, err := page(ctx, q, "agents", pgx.RowToStructByName[AgentItem],
		`select id, name, name as character_name, summary as bio, `+agentStatus+` from agents where id = any($1) order by array_position($1, id)`, ids)
	if backwards {
		slices.Reverse(shown)
	}
	return shown, err
}

// collators make sort keys; one serves one goroutine at a time.
var collators = sync.Pool{New: func() any { return collate.New(language.Und) }}

// sortAgents makes each key once: comparing two texts costs as much as making both their keys.
func sortAgents(all []agentName) {
	c := collators.Get().(*collate.Collator)
	defer collators.Put(c)
	var keys collate.Buffer
	byName := make(map[uuid.UUID][]byte, len(all))
	for _, a := range all {
		byName[a.ID] = c.KeyFromString(&keys, a.Name)
	}
	first := map[bool]int{true: 0, false: 1}
	slices.SortFunc(all, func(a, b agentName) int {
		return cmp.Or(cmp.Compare(first[a.Running], first[b.Running]), bytes.Compare(byName[a.ID], byName[b.ID]), bytes.Compare(a.ID[:], b.ID[:]))
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

// AnyRunning is the running agent that the list of agents has first.
func (q *Queries) AnyRunning(ctx context.Context) (uuid.UUID, error) {
	first, _, err := q.AgentsPage(ctx, Members{Limit: 1})
	switch {
	case err != nil:
		return uuid.Nil, err
	case len(first) == 0 || first[0].Status != Active:
		return uuid.Nil, fmt.Errorf("a running agent %w", ErrNotFound)
	}
	return first[0].ID, nil
}

// CountRunning counts the agents that take part and answer.
func (q *Queries) CountRunning(ctx context.Context) (int, error) {
	return one(ctx, q, "running agents", pgx.RowTo[int], `select count(*) from agents where running`)
}
