package projections

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/projections/engine"
)

var jobs = engine.Projection{
	Name:    "jobs",
	Group:   GroupCore,
	Version: 1,
	// created is the position of the creation, which orders what has the same time. What was asked and answered is in messages.
	Tables: `
create table jobs (
	id         uuid primary key,
	channel_id uuid not null,
	message_id uuid not null,
	agent_id   uuid not null,
	user_id    uuid not null,
	metadata   json,
	created_at timestamptz not null,
	expires_at timestamptz not null,
	status     text not null,
	reason     text,
	reply_id   uuid,
	ended_at   timestamptz,
	created    bigint not null,
	revision   bigint not null,
	position   bigint not null
)`,
	Indexes: `
create index on jobs (created_at, created);
create index on jobs (status, created_at, created)`,
	Rows:  []engine.Rows{jobsTable},
	Apply: applyJobs,
}

type job struct {
	jobEnd
	ChannelID uuid.UUID       `db:"channel_id"`
	MessageID uuid.UUID       `db:"message_id"`
	AgentID   uuid.UUID       `db:"agent_id"`
	UserID    uuid.UUID       `db:"user_id"`
	Metadata  json.RawMessage `db:"metadata,null"`
	CreatedAt time.Time       `db:"created_at"`
	ExpiresAt time.Time       `db:"expires_at"`
	Created   events.Position `db:"created"`
}

type jobEnd struct {
	moved
	Status  string    `db:"status"`
	Reason  string    `db:"reason,null"`
	ReplyID uuid.UUID `db:"reply_id,null"`
	EndedAt time.Time `db:"ended_at,null"`
}

var jobsTable = engine.NewTable[job]("jobs")

func applyJobs(w engine.Writer, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.JobCreated:
		jobsTable.Upsert(w, job{
			jobEnd: jobEnd{moved: move(f.JobID, e), Status: events.JobProcessing}, ChannelID: f.ChannelID, MessageID: f.MessageID,
			AgentID: f.AgentID, UserID: f.UserID, Metadata: free(f.Metadata), CreatedAt: f.CreatedAt, ExpiresAt: f.ExpiresAt, Created: e.Position,
		})
	case events.JobEnded:
		jobsTable.Update(w, jobEnd{move(f.JobID, e), f.Status, f.Reason, f.ReplyID, instant(e)})
	}
}
