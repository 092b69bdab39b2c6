package projections

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/projections/engine"
)

var logs = engine.Projection{
	Name:    "logs",
	Group:   GroupCore,
	Version: 2,
	// model is that of the body, in lower case, which lists may leave out by; failed tells of an error in it.
	Tables: `
create table logs (
	id         uuid primary key,
	agent_id   uuid not null,
	room_id    uuid not null,
	entity_id  uuid not null,
	turn_id    uuid,
	type       text not null,
	model      text not null,
	failed     boolean not null,
	body       json,
	created_at timestamptz not null,
	revision   bigint not null,
	position   bigint not null
)` + logEnds.tables(),
	Indexes: `
create index on logs (agent_id, position desc);
create index on logs (turn_id)`,
	Rows:  logEnds.rows(logsTable),
	Apply: applyLogs,
}

type entry struct {
	moved
	AgentID   uuid.UUID       `db:"agent_id"`
	RoomID    uuid.UUID       `db:"room_id"`
	EntityID  uuid.UUID       `db:"entity_id"`
	TurnID    uuid.UUID       `db:"turn_id,null"`
	Type      string          `db:"type"`
	Model     string          `db:"model"`
	Failed    bool            `db:"failed"`
	Body      json.RawMessage `db:"body,null"`
	CreatedAt time.Time       `db:"created_at"`
}

var (
	logEnds   = newEnds("logs", "position", map[string]string{ofAgent: "agent_id"})
	logsTable = engine.NewTable[entry]("logs", logEnds.unlessDead(), engine.Expression("model", "lower({model})"))
)

// applyLogs makes entries of what was recorded, and of how turns ended: an action, or an error.
func applyLogs(w engine.Writer, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.LogRecorded:
		insertLog(w, e, f)
	case events.TurnCompleted:
		if f.AgentID != uuid.Nil {
			insertLog(w, e, endOfTurn(f))
		}
	case events.LogDeleted:
		logsTable.Delete(w, engine.Where{"id": f.LogID})
	default:
		logEnds.apply(w, e, func(_, condition string, args ...any) { w.Exec("delete from logs where "+condition, args...) })
	}
}

func insertLog(w engine.Writer, e events.Recorded, f events.LogRecorded) {
	var body struct {
		ModelType, Error string
	}
	_ = json.Unmarshal(f.Body, &body) // one of another shape has neither
	logsTable.Upsert(w, entry{
		moved: move(f.LogID, e), AgentID: f.AgentID, RoomID: f.RoomID, EntityID: f.EntityID, TurnID: f.TurnID, Type: f.Type,
		Model: body.ModelType, Failed: body.Error != "", Body: free(f.Body), CreatedAt: instant(e),
	})
}

// turnEnd is the body of the entry that stands for how a turn ended.
type turnEnd struct {
	Action         string    `json:"action,omitempty"`
	Error          string    `json:"error,omitempty"`
	Reason         string    `json:"reason,omitempty"`
	RunID          uuid.UUID `json:"runId"`
	ChannelID      uuid.UUID `json:"channelId"`
	MessageID      uuid.UUID `json:"messageId,omitzero"`
	ReplyID        uuid.UUID `json:"replyId,omitzero"`
	DurationMillis int64     `json:"executionTime,omitempty"`
}

// endOfTurn is the entry that stands for how a turn ended. One that failed may end anew, under the same id.
func endOfTurn(f events.TurnCompleted) events.LogRecorded {
	end := turnEnd{
		Action: "REPLY", Reason: f.Reason, RunID: f.TurnID, ChannelID: f.ChannelID, MessageID: f.MessageID, ReplyID: f.ReplyID,
		DurationMillis: f.DurationMillis,
	}
	typ := "action"
	switch f.Outcome {
	case events.TurnIgnored:
		end.Action = "IGNORE"
	case events.TurnCutOff:
		end.Action = "ABORT"
	case events.TurnFailed:
		typ, end.Action, end.Error, end.Reason = "error", "", f.Reason, ""
	}
	body, err := json.Marshal(end)
	if err != nil {
		panic(err) // the feed then stops at the event
	}
	return events.LogRecorded{
		LogID: events.Derive(f.TurnID, "end"), AgentID: f.AgentID, RoomID: events.UniqueUUID(f.AgentID, f.ChannelID.String()),
		EntityID: f.AgentID, TurnID: f.TurnID, Type: typ, Body: body,
	}
}
