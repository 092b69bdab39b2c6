package projections

import (
	"encoding/json"

	"annals/events"
	"annals/projections/engine"
)

var agents = engine.Projection{
	Name:    "agents",
	Group:   GroupCore,
	Version: 3,
	// summary is the first line of the bio, which lists show. settings is as clients see it: the secrets are in it, encrypted.
	Tables: `
create table agents (
	id               uuid primary key,
	name             text not null,
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
create index on agents (hashtextextended(name, 0));
create index on agents (id) where running`,
	Apply: applyAgents,
}

func applyAgents(w engine.Writer, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.AgentCreated:
		c := columnsOf(f.Character)
		w.Exec(`
insert into agents (name, username, system, bio, summary, templates, message_examples, post_examples, topics, adjectives,
	knowledge, plugins, settings, style, id, created_at, updated_at, revision, position, running, enabled)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, $17, $18, false, true)
on conflict (id) do update set (name, username, system, bio, summary, templates, message_examples, post_examples, topics,
	adjectives, knowledge, plugins, settings, style, created_at, updated_at, revision, position, running, enabled)
= (excluded.name, excluded.username, excluded.system, excluded.bio, excluded.summary, excluded.templates,
	excluded.message_examples, excluded.post_examples, excluded.topics, excluded.adjectives, excluded.knowledge,
	excluded.plugins, excluded.settings, excluded.style, excluded.created_at, excluded.updated_at, excluded.revision,
	excluded.position, false, true)`,
			append(c, f.AgentID, instant(e), int64(e.Revision), int64(e.Position))...)
	case events.AgentUpdated:
		c := columnsOf(f.Character)
		w.Exec(`
update agents set (name, username, system, bio, summary, templates, message_examples, post_examples, topics, adjectives,
	knowledge, plugins, settings, style, updated_at, revision, position, enabled)
= ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $16, $17, $18, $19) where id = $15`,
			append(c, f.AgentID, instant(e), int64(e.Revision), int64(e.Position), !f.Disabled)...)
	case events.AgentStarted:
		w.Exec(runAgent, f.AgentID, true, int64(e.Revision), int64(e.Position))
	case events.AgentStopped:
		w.Exec(runAgent, f.AgentID, false, int64(e.Revision), int64(e.Position))
	case events.AgentMemoriesCleared: // the revision is what If-Match is compared with
		w.Exec(`update agents set revision = $2, position = $3 where id = $1`, f.AgentID, int64(e.Revision), int64(e.Position))
	case events.AgentDeleted:
		w.Exec(`delete from agents where id = $1`, f.AgentID)
	}
}

const runAgent = `update agents set running = $2, revision = $3, position = $4 where id = $1`

// columnsOf gives what $1 to $14 stand for.
func columnsOf(c events.Character) []any {
	return []any{
		c.Name, c.Username, c.System, free(c.Bio), summary(c.Bio), free(c.Templates), free(c.MessageExamples),
		list(c.PostExamples), list(c.Topics), list(c.Adjectives), free(c.Knowledge), list(c.Plugins),
		settings(c), free(c.Style),
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

func list(texts []string) []string {
	if texts == nil {
		return []string{}
	}
	return texts
}
