package projections

import (
	"time"

	"github.com/google/uuid"

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
	Rows:    []engine.Rows{turnsTable},
	Apply:   applyTurns,
}

type turn struct {
	moved
	ChannelID        uuid.UUID `db:"channel_id"`
	ServerID         uuid.UUID `db:"server_id"`
	AgentID          uuid.UUID `db:"agent_id,null"`
	MessageID        uuid.UUID `db:"message_id,null"`
	ReplyID          uuid.UUID `db:"reply_id,null"`
	Outcome          string    `db:"outcome"`
	Reason           string    `db:"reason"`
	Model            string    `db:"model"`
	PromptTokens     int       `db:"prompt_tokens"`
	CompletionTokens int       `db:"completion_tokens"`
	DurationMillis   int64     `db:"duration_ms"`
	CompletedAt      time.Time `db:"completed_at"`
}

var turnsTable = engine.NewTable[turn]("turns")

// A turn that failed may be completed anew; the last fact counts.
func applyTurns(w engine.Writer, e events.Recorded) {
	f, ok := e.Event.(events.TurnCompleted)
	if !ok {
		return
	}
	turnsTable.Upsert(w, turn{
		moved: move(f.TurnID, e), ChannelID: f.ChannelID, ServerID: f.ServerID, AgentID: f.AgentID, MessageID: f.MessageID,
		ReplyID: f.ReplyID, Outcome: f.Outcome, Reason: f.Reason, Model: f.Model, PromptTokens: f.PromptTokens,
		CompletionTokens: f.CompletionTokens, DurationMillis: f.DurationMillis, CompletedAt: instant(e),
	})
}
