package queries

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// Run is an agent's dealing with one message as ElizaOS 1.7.2 shows it (CONTRACT-1.7 6.2): a turn under the agent's own ids. The
// memory of the message is MessageID, the author EntityID.
type Run struct {
	ID         uuid.UUID   `json:"runId"`
	Status     string      `json:"status" doc:"started, completed or error."`
	StartedAt  Millis      `json:"startedAt"`
	EndedAt    *Millis     `json:"endedAt" nullable:"true"`
	DurationMs *int64      `json:"durationMs" nullable:"true"`
	MessageID  uuid.UUID   `json:"messageId"`
	RoomID     uuid.UUID   `json:"roomId"`
	EntityID   uuid.UUID   `json:"entityId"`
	Metadata   RunMetadata `json:"metadata"`
	Counts     RunCounts   `json:"counts"`

	created events.Position
}

// RunMetadata is what Annals knows of a run besides. There is no cost where no provider has named one.
type RunMetadata struct {
	ChannelID        uuid.UUID  `json:"channelId"`
	MessageID        uuid.UUID  `json:"messageId" doc:"The message in the channel."`
	ReplyID          *uuid.UUID `json:"replyId,omitempty"`
	Outcome          string     `json:"outcome,omitempty" doc:"replied, ignored, failed or aborted."`
	Reason           string     `json:"reason,omitempty"`
	Model            string     `json:"model,omitempty"`
	PromptTokens     int64      `json:"promptTokens,omitempty"`
	CompletionTokens int64      `json:"completionTokens,omitempty"`
}

// RunCounts says what happened in a run.
type RunCounts struct {
	Actions    int `json:"actions"`
	ModelCalls int `json:"modelCalls"`
	Errors     int `json:"errors"`
	Evaluators int `json:"evaluators"`
}

// What a run's status is.
const (
	RunStarted   = "started"
	RunCompleted = "completed"
	RunFailed    = "error" // also of a model that takes too long, which ElizaOS calls timeout
)

// RunFilter narrows the list of an agent's runs. What is empty narrows nothing; From and To are inclusive.
type RunFilter struct {
	Room     uuid.UUID
	Status   string
	From, To time.Time
}

const (
	runColumns = `select t.id, t.outcome, t.reason, t.model, t.prompt_tokens, t.completion_tokens, t.created_at, t.completed_at, t.agent_id,
	t.message_id, t.room_id, t.author_id, t.channel_id, t.reply_id, t.created, n.actions, n.model_calls, n.errors, n.evaluators
from turns t cross join lateral (
	select count(*) filter (where l.type = 'action') as actions, count(*) filter (where starts_with(l.type, 'useModel:')) as model_calls,
		count(*) filter (where l.failed) as errors, count(*) filter (where l.type = 'evaluator') as evaluators
	from logs l where l.turn_id = t.id
) n`
	runFilter = `t.agent_id = $1 and t.author_id is not null and ($2::uuid is null or t.room_id = $2)
	and ($3 = '' or $3 = case t.outcome when '' then 'started' when 'failed' then 'error' else 'completed' end)
	and ($4::timestamptz is null or t.created_at >= $4) and ($5::timestamptz is null or t.created_at <= $5)`
)

// runRow has the columns of a run.
type runRow struct {
	ID, AgentID, MessageID, RoomID, AuthorID, ChannelID uuid.UUID
	ReplyID                                             *uuid.UUID
	Outcome, Reason, Model                              string
	PromptTokens, CompletionTokens                      int64
	CreatedAt                                           Millis
	CompletedAt                                         *time.Time
	Created                                             events.Position
	RunCounts
}

func readRun(row pgx.CollectableRow) (Run, error) {
	r, err := pgx.RowToStructByName[runRow](row)
	run := Run{
		ID: r.ID, Status: RunStarted, StartedAt: r.CreatedAt, MessageID: events.UniqueUUID(r.AgentID, r.MessageID.String()), RoomID: r.RoomID,
		EntityID: r.AuthorID, Counts: r.RunCounts, created: r.Created,
		Metadata: RunMetadata{r.ChannelID, r.MessageID, r.ReplyID, r.Outcome, r.Reason, r.Model, r.PromptTokens, r.CompletionTokens},
	}
	if r.CompletedAt != nil {
		ended := Millis(r.CompletedAt.UnixMilli())
		took := int64(ended - run.StartedAt)
		run.EndedAt, run.DurationMs, run.Status = &ended, &took, RunCompleted
	}
	if r.Outcome == events.TurnFailed {
		run.Status = RunFailed
	}
	return run, err
}

func (r Run) place() (time.Time, events.Position) { return r.StartedAt.Time(), r.created }

// Runs lists an agent's runs, the newest first, and tells how many there are in all.
func (q *Queries) Runs(ctx context.Context, agent uuid.UUID, f RunFilter, p Page) ([]Run, int, error) {
	return list[Run]{
		what: fmt.Sprintf("runs of agent %s", agent), row: readRun, shown: newestFirst,
		args:  []any{agent, orNone(f.Room), f.Status, orNoTime(f.From), orNoTime(f.To)},
		count: `select count(*) from turns t where ` + runFilter,
		sql: byCreation(runColumns + ` where ` + runFilter + ` and (t.created_at, t.created) < ($6, $7) and (t.created_at, t.created) > ($8, $9)
		order by t.created_at %[1]s, t.created %[1]s limit $10`),
	}.read(ctx, q, p)
}

// Run is one run of an agent.
func (q *Queries) Run(ctx context.Context, agent, id uuid.UUID) (Run, error) {
	return one(ctx, q, fmt.Sprintf("run %s", id), readRun, runColumns+` where t.agent_id = $1 and t.id = $2 and t.author_id is not null`, agent, id)
}

// orNoTime is a time as an argument of SQL, null for none.
func orNoTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

// RunEvent is something that happened in a run, in ElizaOS's form.
type RunEvent struct {
	Type string          `json:"type" doc:"RUN_STARTED, MODEL_USED, ACTION_COMPLETED, EVALUATOR_COMPLETED or RUN_ENDED."`
	At   Millis          `json:"timestamp"`
	Data json.RawMessage `json:"data"`
}

// Events is what happened in a run, the oldest first. The entries are those of LogsOf.
func (r Run) Events(entries []Log) []RunEvent {
	all := []RunEvent{{"RUN_STARTED", r.StartedAt, dataOf(map[string]any{"source": "messageHandler", "messageId": r.MessageID})}}
	for _, l := range entries {
		if e, ok := l.runEvent(); ok {
			all = append(all, e)
		}
	}
	if r.EndedAt != nil {
		end := map[string]any{"status": r.Status, "durationMs": *r.DurationMs}
		if r.Status == RunFailed {
			end["error"] = r.Metadata.Reason
		}
		all = append(all, RunEvent{"RUN_ENDED", *r.EndedAt, dataOf(end)})
	}
	return all
}

// runEvent is what an entry of an agent's log tells of its run. The entry of a failure tells nothing that the end of the run does not.
func (l Log) runEvent() (RunEvent, bool) {
	var body map[string]json.RawMessage
	_ = json.Unmarshal(l.Body, &body) // it is an object, see scanLog
	e, data := RunEvent{At: Millis(l.CreatedAt.Time().UnixMilli())}, map[string]any{}
	take := func(names ...string) {
		for _, name := range names {
			if body[name] != nil {
				data[name] = body[name]
			}
		}
	}
	switch {
	case strings.HasPrefix(l.Type, events.LogModelCall):
		e.Type = "MODEL_USED"
		take("modelType", "model", "provider", "executionTime", "params", "prompt", "response", "usage", "error", "cost")
		var usage struct{ PromptTokens, CompletionTokens int }
		if json.Unmarshal(body["usage"], &usage) == nil {
			data["inputTokens"], data["outputTokens"] = usage.PromptTokens, usage.CompletionTokens
		}
	case l.Type == "action":
		e.Type, data["actionName"], data["success"] = "ACTION_COMPLETED", body["action"], true
		take("actionId", "messageId", "replyId", "reason", "result")
	case l.Type == "evaluator":
		e.Type, data["evaluatorName"], data["success"] = "EVALUATOR_COMPLETED", body["evaluator"], true
	default:
		return e, false
	}
	e.Data = dataOf(data)
	return e, true
}

func dataOf(fields map[string]any) json.RawMessage {
	raw, err := json.Marshal(fields)
	if err != nil {
		panic(err) // they are of plain types, or come from valid JSON
	}
	return raw
}
