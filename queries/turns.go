package queries

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// Turn is how one agent dealt with one message. Outcome is one of the events.Turn… constants.
type Turn struct {
	ID               uuid.UUID       `json:"id"`
	ChannelID        uuid.UUID       `json:"channelId"`
	ServerID         uuid.UUID       `json:"serverId"`
	AgentID          *uuid.UUID      `json:"agentId,omitempty"`
	MessageID        *uuid.UUID      `json:"messageId,omitempty"`
	ReplyID          *uuid.UUID      `json:"replyId,omitempty"`
	Outcome          string          `json:"outcome"`
	Reason           string          `json:"reason,omitempty"`
	Model            string          `json:"model,omitempty"`
	PromptTokens     int64           `json:"promptTokens,omitempty"`
	CompletionTokens int64           `json:"completionTokens,omitempty"`
	DurationMillis   int64           `json:"durationMs,omitempty"`
	CompletedAt      ISO             `json:"completedAt"`
	Revision         uint64          `json:"-"`
	Position         events.Position `json:"-"`
}

// TurnsOf lists how the agents dealt with a message that are done with it, in the order in which they were.
func (q *Queries) TurnsOf(ctx context.Context, message uuid.UUID) ([]Turn, error) {
	return many(ctx, q, fmt.Sprintf("turns of message %s", message), pgx.RowToStructByName[Turn], `
select id, channel_id, server_id, agent_id, message_id, reply_id, outcome, reason, model, prompt_tokens, completion_tokens,
	duration_ms as duration_millis, completed_at, revision, position
from turns where message_id = $1 and outcome <> '' order by position`, message)
}
