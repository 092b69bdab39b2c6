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
	Version: 2,
	// A turn begins when the message reaches the agent: its outcome is empty until it is completed. created is the position of the
	// beginning, which orders what has the same time; room_id is the agent's own for the channel, author_id that of the message.
	Tables: `
create table turns (
	id                uuid primary key,
	channel_id        uuid not null,
	server_id         uuid not null,
	agent_id          uuid,
	room_id           uuid,
	message_id        uuid,
	author_id         uuid,
	reply_id          uuid,
	outcome           text not null,
	reason            text not null,
	model             text not null,
	prompt_tokens     bigint not null,
	completion_tokens bigint not null,
	duration_ms       bigint not null,
	created_at        timestamptz not null,
	completed_at      timestamptz,
	created           bigint not null,
	revision          bigint not null,
	position          bigint not null
)`,
	Indexes: `
create index on turns (message_id);
create index on turns (agent_id, created_at, created)`,
	Rows:  []engine.Rows{turnsTable},
	Apply: applyTurns,
}

type turn struct {
	moved
	ChannelID        uuid.UUID       `db:"channel_id"`
	ServerID         uuid.UUID       `db:"server_id"`
	AgentID          uuid.UUID       `db:"agent_id,null"`
	RoomID           uuid.UUID       `db:"room_id,null"`
	MessageID        uuid.UUID       `db:"message_id,null"`
	AuthorID         uuid.UUID       `db:"author_id,null"`
	ReplyID          uuid.UUID       `db:"reply_id,null"`
	Outcome          string          `db:"outcome"`
	Reason           string          `db:"reason"`
	Model            string          `db:"model"`
	PromptTokens     int             `db:"prompt_tokens"`
	CompletionTokens int             `db:"completion_tokens"`
	DurationMillis   int64           `db:"duration_ms"`
	CreatedAt        time.Time       `db:"created_at"`
	CompletedAt      time.Time       `db:"completed_at,null"`
	Created          events.Position `db:"created"`
}

var turnsTable = engine.NewTable[turn]("turns", engine.Keep("author_id", "created_at", "created"))

// applyTurns begins the turns of a message's audience. A turn that failed may be completed anew; the last fact counts.
func applyTurns(w engine.Writer, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.MessageSubmitted:
		for _, agent := range f.Audience {
			turnsTable.Insert(w, turn{
				moved: move(events.TurnID(f.MessageID, agent), e), ChannelID: f.ChannelID, ServerID: f.ServerID, AgentID: agent,
				RoomID: roomOf(agent, f.ChannelID), MessageID: f.MessageID, AuthorID: f.AuthorID, CreatedAt: instant(e), Created: e.Position,
			})
		}
	case events.TurnCompleted:
		turnsTable.Upsert(w, turn{
			moved: move(f.TurnID, e), ChannelID: f.ChannelID, ServerID: f.ServerID, AgentID: f.AgentID, RoomID: roomOf(f.AgentID, f.ChannelID),
			MessageID: f.MessageID, ReplyID: f.ReplyID, Outcome: f.Outcome, Reason: f.Reason, Model: f.Model, PromptTokens: f.PromptTokens,
			CompletionTokens: f.CompletionTokens, DurationMillis: f.DurationMillis, CreatedAt: instant(e), CompletedAt: instant(e), Created: e.Position,
		})
	}
}

// roomOf is the room that an agent has for a channel, none for no agent.
func roomOf(agent, channel uuid.UUID) uuid.UUID {
	if agent == uuid.Nil {
		return uuid.Nil
	}
	return events.UniqueUUID(agent, channel.String())
}
