package projections

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/projections/engine"
)

var agents = engine.Projection{
	Name:    "agents",
	Group:   GroupCore,
	Version: 4,
	// name_key is what names are compared by. summary is the first line of the bio, which lists show. settings is as clients see it: the secrets are in it, encrypted.
	Tables: `
create table agents (
	id               uuid primary key,
	name             text not null,
	name_key         text not null,
	username         text not null,
	system           text not null,
	bio              json,
	summary          text not null,
	templates        json,
	message_examples json,
	post_examples    text[] not null,
	topics           text[] not null,
	adjectives       text[] not null,
	knowledge        json,
	plugins          text[] not null,
	settings         json not null,
	style            json,
	running          boolean not null,
	enabled          boolean not null,
	created_at       timestamptz not null,
	updated_at       timestamptz not null,
	revision         bigint not null,
	position         bigint not null
)`,
	Indexes: `
create index on agents (hashtextextended(name_key, 0));
create index on agents (id) where running`,
	Rows:  []engine.Rows{agentsTable},
	Apply: applyAgents,
}

type agent struct {
	agentEdit
	Running   bool      `db:"running"`
	CreatedAt time.Time `db:"created_at"`
}

type agentEdit struct {
	moved
	Name            string          `db:"name"`
	NameKey         string          `db:"name_key"`
	Username        string          `db:"username"`
	System          string          `db:"system"`
	Bio             json.RawMessage `db:"bio,null"`
	Summary         string          `db:"summary"`
	Templates       json.RawMessage `db:"templates,null"`
	MessageExamples json.RawMessage `db:"message_examples,null"`
	PostExamples    []string        `db:"post_examples"`
	Topics          []string        `db:"topics"`
	Adjectives      []string        `db:"adjectives"`
	Knowledge       json.RawMessage `db:"knowledge,null"`
	Plugins         []string        `db:"plugins"`
	Settings        json.RawMessage `db:"settings"`
	Style           json.RawMessage `db:"style,null"`
	Enabled         bool            `db:"enabled"`
	UpdatedAt       time.Time       `db:"updated_at"`
}

type agentRun struct {
	moved
	Running bool `db:"running"`
}

var agentsTable = engine.NewTable[agent]("agents")

func applyAgents(w engine.Writer, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.AgentCreated:
		agentsTable.Upsert(w, agent{agentEdit: edited(f.AgentID, f.Character, true, e), CreatedAt: instant(e)})
	case events.AgentUpdated:
		agentsTable.Update(w, edited(f.AgentID, f.Character, !f.Disabled, e))
	case events.AgentStarted:
		agentsTable.Update(w, agentRun{move(f.AgentID, e), true})
	case events.AgentStopped:
		agentsTable.Update(w, agentRun{move(f.AgentID, e), false})
	case events.AgentMemoriesCleared:
		agentsTable.Update(w, move(f.AgentID, e))
	case events.AgentDeleted:
		agentsTable.Delete(w, engine.Where{"id": f.AgentID})
	}
}

func edited(id uuid.UUID, c events.Character, enabled bool, e events.Recorded) agentEdit {
	return agentEdit{
		moved: move(id, e), Name: c.Name, NameKey: events.AgentNameKey(c.Name), Username: c.Username, System: c.System, Bio: free(c.Bio), Summary: summary(c.Bio),
		Templates: free(c.Templates), MessageExamples: free(c.MessageExamples), PostExamples: c.PostExamples, Topics: c.Topics,
		Adjectives: c.Adjectives, Knowledge: free(c.Knowledge), Plugins: c.Plugins, Settings: settings(c), Style: free(c.Style),
		Enabled: enabled, UpdatedAt: instant(e),
	}
}

// summary is a bio that is a text, or the first line of one that is a list.
func summary(bio json.RawMessage) string {
	var whole string
	if json.Unmarshal(bio, &whole) == nil {
		return whole
	}
	var lines []json.RawMessage
	if json.Unmarshal(bio, &lines) != nil || len(lines) == 0 || json.Unmarshal(lines[0], &whole) != nil {
		return ""
	}
	return whole
}

// settings panics on what the codec cannot have accepted; the feed then stops at the event.
func settings(c events.Character) json.RawMessage {
	merged, err := c.PublicSettings()
	if err != nil {
		panic(err)
	}
	out, err := json.Marshal(merged)
	if err != nil {
		panic(err)
	}
	return out
}
