package projections

import (
	"encoding/json"

	"github.com/google/uuid"

	"annals/events"
	"annals/projections/engine"
)

var logs = engine.Projection{
	Name:    "logs",
	Group:   GroupCore,
	Version: 1,
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
)`,
	Indexes: `
create index on logs (agent_id, position desc);
create index on logs (turn_id)`,
	Apply: applyLogs,
}

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
		w.Exec(`delete from logs where id = $1`, f.LogID)
	case events.AgentDeleted:
		w.Exec(`delete from logs where agent_id = $1 and position < $2`, f.AgentID, int64(e.Position))
	}
}

func insertLog(w engine.Writer, e events.Recorded, f events.LogRecorded) {
	var body struct {
		ModelType, Error string
	}
	_ = json.Unmarshal(f.Body, &body) // one of another shape has neither
	w.Exec(`
insert into logs (id, agent_id, room_id, entity_id, turn_id, type, model, failed, body, created_at, revision, position)
values ($1, $2, $3, $4, $5, $6, lower($7), $8, $9, $10, $11, $12)
on conflict (id) do update set (agent_id, room_id, entity_id, turn_id, type, model, failed, body, created_at, revision, position)
= (excluded.agent_id, excluded.room_id, excluded.entity_id, excluded.turn_id, excluded.type, excluded.model, excluded.failed,
	excluded.body, excluded.created_at, excluded.revision, excluded.position)`,
		f.LogID, f.AgentID, f.RoomID, f.EntityID, reference(f.TurnID), f.Type, body.ModelType, body.Error != "", free(f.Body),
		instant(e), int64(e.Revision), int64(e.Position))
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
