package projections

import (
	"annals/events"
	"annals/projections/engine"
)

var turns = engine.Projection{
	Name:    "turns",
	Group:   GroupCore,
	Version: 1,
	Tables: `
create table turns (
	id                uuid primary key,
	channel_id        uuid not null,
	server_id         uuid not null,
	agent_id          uuid,
	message_id        uuid,
	reply_id          uuid,
	outcome           text not null,
	reason            text not null,
	model             text not null,
	prompt_tokens     bigint not null,
	completion_tokens bigint not null,
	duration_ms       bigint not null,
	completed_at      timestamptz not null,
	revision          bigint not null,
	position          bigint not null
)`,
	Indexes: `create index on turns (message_id)`,
	Apply:   applyTurns,
}

// A turn that failed may be completed anew; the last fact counts.
func applyTurns(w engine.Writer, e events.Recorded) {
	f, ok := e.Event.(events.TurnCompleted)
	if !ok {
		return
	}
	w.Exec(`
insert into turns (id, channel_id, server_id, agent_id, message_id, reply_id, outcome, reason, model, prompt_tokens,
	completion_tokens, duration_ms, completed_at, revision, position)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
on conflict (id) do update set (channel_id, server_id, agent_id, message_id, reply_id, outcome, reason, model,
	prompt_tokens, completion_tokens, duration_ms, completed_at, revision, position)
= (excluded.channel_id, excluded.server_id, excluded.agent_id, excluded.message_id, excluded.reply_id, excluded.outcome,
	excluded.reason, excluded.model, excluded.prompt_tokens, excluded.completion_tokens, excluded.duration_ms,
	excluded.completed_at, excluded.revision, excluded.position)`,
		f.TurnID, f.ChannelID, f.ServerID, reference(f.AgentID), reference(f.MessageID), reference(f.ReplyID), f.Outcome,
		f.Reason, f.Model, f.PromptTokens, f.CompletionTokens, f.DurationMillis, instant(e), int64(e.Revision), int64(e.Position))
}
