package projections

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/projections/engine"
)

var sessions = engine.Projection{
	Name:    "sessions",
	Group:   GroupCore,
	Version: 2,
	// created is the position of the creation, which orders what has the same time. The row of a session that has expired stays: its
	// clients hear that it has.
	Tables: `
create table sessions (
	id                        uuid primary key,
	channel_id                uuid not null,
	agent_id                  uuid not null,
	user_id                   uuid not null,
	metadata                  json,
	created_at                timestamptz not null,
	last_activity             timestamptz not null,
	expires_at                timestamptz not null,
	renewal_count             bigint not null,
	timeout_minutes           double precision not null,
	auto_renew                boolean not null,
	max_duration_minutes      double precision not null,
	warning_threshold_minutes double precision not null,
	expired                   boolean not null,
	created                   bigint not null,
	revision                  bigint not null,
	position                  bigint not null
)` + sessionEnds.tables(),
	Indexes: `
create index on sessions (created_at, created) where not expired;
create index on sessions (expires_at) where not expired;
create index on sessions (agent_id)`,
	Rows:  sessionEnds.rows(sessionsTable),
	Apply: applySessions,
}

type session struct {
	sessionClock
	ChannelID uuid.UUID       `db:"channel_id"`
	AgentID   uuid.UUID       `db:"agent_id"`
	UserID    uuid.UUID       `db:"user_id"`
	Metadata  json.RawMessage `db:"metadata,null"`
	CreatedAt time.Time       `db:"created_at"`
	Created   events.Position `db:"created"`
}

type sessionClock struct {
	moved
	LastActivity            time.Time `db:"last_activity"`
	ExpiresAt               time.Time `db:"expires_at"`
	RenewalCount            int       `db:"renewal_count"`
	TimeoutMinutes          float64   `db:"timeout_minutes"`
	AutoRenew               bool      `db:"auto_renew"`
	MaxDurationMinutes      float64   `db:"max_duration_minutes"`
	WarningThresholdMinutes float64   `db:"warning_threshold_minutes"`
	Expired                 bool      `db:"expired"`
}

var (
	sessionEnds   = newEnds("sessions", "created", map[string]string{ofAgent: "agent_id"})
	sessionsTable = engine.NewTable[session]("sessions", sessionEnds.unlessDead())
)

func applySessions(w engine.Writer, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.SessionCreated:
		sessionsTable.Upsert(w, session{
			sessionClock: clockOf(f.SessionID, f.Clock, e), ChannelID: f.ChannelID, AgentID: f.AgentID, UserID: f.UserID,
			Metadata: free(f.Metadata), CreatedAt: f.Clock.CreatedAt, Created: e.Position,
		})
	case events.SessionUsed:
		sessionsTable.Update(w, clockOf(f.SessionID, f.Clock, e))
	case events.SessionRenewed:
		sessionsTable.Update(w, clockOf(f.SessionID, f.Clock, e))
	case events.SessionTimeoutChanged:
		sessionsTable.Update(w, clockOf(f.SessionID, f.Clock, e))
	case events.SessionExpired:
		clock := clockOf(f.SessionID, f.Clock, e)
		clock.Expired = true
		sessionsTable.Update(w, clock)
	case events.SessionDeleted:
		sessionsTable.Delete(w, engine.Where{"id": f.SessionID})
	default:
		sessionEnds.apply(w, e, func(_, condition string, args ...any) { w.Exec("delete from sessions where "+condition, args...) })
	}
}

func clockOf(id uuid.UUID, c events.SessionClock, e events.Recorded) sessionClock {
	return sessionClock{
		moved: move(id, e), LastActivity: c.LastActivity, ExpiresAt: c.ExpiresAt, RenewalCount: c.RenewalCount,
		TimeoutMinutes: c.Timeout.TimeoutMinutes, AutoRenew: c.Timeout.AutoRenew, MaxDurationMinutes: c.Timeout.MaxDurationMinutes,
		WarningThresholdMinutes: c.Timeout.WarningThresholdMinutes,
	}
}
