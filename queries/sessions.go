package queries

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// SessionTimeout is when a session ends by itself, in minutes (CONTRACT-1.7 5).
type SessionTimeout struct {
	TimeoutMinutes          float64 `json:"timeoutMinutes"`
	AutoRenew               bool    `json:"autoRenew"`
	MaxDurationMinutes      float64 `json:"maxDurationMinutes"`
	WarningThresholdMinutes float64 `json:"warningThresholdMinutes"`
}

// Session is a session as it stands at the time that it was asked for.
type Session struct {
	ID            uuid.UUID       `json:"sessionId"`
	ChannelID     uuid.UUID       `json:"channelId"`
	AgentID       uuid.UUID       `json:"agentId"`
	UserID        uuid.UUID       `json:"userId"`
	CreatedAt     ISO             `json:"createdAt"`
	LastActivity  ISO             `json:"lastActivity"`
	Metadata      json.RawMessage `json:"metadata"`
	ExpiresAt     ISO             `json:"expiresAt"`
	Timeout       SessionTimeout  `json:"timeoutConfig" db:"-"`
	RenewalCount  int64           `json:"renewalCount"`
	TimeRemaining int64           `json:"timeRemaining" db:"-" doc:"Milliseconds."`
	Near          bool            `json:"isNearExpiration" db:"-"`
	Expired       bool            `json:"expired,omitempty" doc:"In a story: that its time has run out."`
	Created       events.Position `json:"-"`
	Revision      uint64          `json:"-"`
}

// sessionRow has the columns of a session.
type sessionRow struct {
	Session
	TimeoutMinutes, MaxDurationMinutes, WarningThresholdMinutes float64
	AutoRenew                                                   bool
}

const sessionColumns = `select id, channel_id, agent_id, user_id, metadata, created_at, last_activity, expires_at,
	renewal_count, timeout_minutes, auto_renew, max_duration_minutes, warning_threshold_minutes, expired, created, revision from sessions`

// readSession reads a row as of a time.
func readSession(at time.Time) pgx.RowToFunc[Session] {
	return func(row pgx.CollectableRow) (Session, error) {
		r, err := pgx.RowToStructByName[sessionRow](row)
		if !isObject(r.Metadata) { // none, or what its user said was erased
			r.Metadata = json.RawMessage(`{}`)
		}
		r.Timeout = SessionTimeout{r.TimeoutMinutes, r.AutoRenew, r.MaxDurationMinutes, r.WarningThresholdMinutes}
		if at.IsZero() { // as it was recorded
			return r.Session, err
		}
		return r.At(at), err
	}
}

// At returns the session as it stands at a time.
func (s Session) At(now time.Time) Session {
	left := s.ExpiresAt.Time().Sub(now)
	s.TimeRemaining = max(left.Milliseconds(), 0)
	s.Near = left.Minutes() <= s.Timeout.WarningThresholdMinutes
	s.Expired = s.Expired || left <= 0
	return s
}

// Session is one session as of a time, which may have expired; as it was recorded where the time is zero.
func (q *Queries) Session(ctx context.Context, id uuid.UUID, at time.Time) (Session, error) {
	return one(ctx, q, fmt.Sprintf("session %s", id), readSession(at), sessionColumns+` where id = $1`, id)
}

// Sessions lists the sessions that are open at a time, the oldest first, and tells how many there are in all.
func (q *Queries) Sessions(ctx context.Context, at time.Time, p Page) ([]Session, int, error) {
	return list[Session]{
		what: "sessions", row: readSession(at), shown: oldestFirst, args: []any{at},
		count: `select count(*) from sessions where not expired and expires_at > $1`,
		sql: byCreation(sessionColumns + `
		where not expired and expires_at > $1 and (created_at, created) < ($2, $3) and (created_at, created) > ($4, $5)
		order by created_at %[1]s, created %[1]s limit $6`),
	}.read(ctx, q, p)
}

func (s Session) place() (time.Time, events.Position) { return s.CreatedAt.Time(), s.Created }

// OverdueSessions counts the sessions that are over at a time, and whose end is not recorded yet.
func (q *Queries) OverdueSessions(ctx context.Context, at time.Time) (int, error) {
	return one(ctx, q, "number of sessions", pgx.RowTo[int], `select count(*) from sessions where not expired and expires_at <= $1`, at)
}

// SessionCounts says how many sessions there are at a time.
type SessionCounts struct {
	Active, Expiring int // those that expire soon are active
}

// CountSessions counts the sessions that are open at a time, at most as many as a limit.
func (q *Queries) CountSessions(ctx context.Context, at time.Time, limit int) (SessionCounts, error) {
	return one(ctx, q, "number of sessions", pgx.RowToStructByPos[SessionCounts], `
select count(*), count(*) filter (where expires_at <= $1 + warning_threshold_minutes * interval '1 minute')
from (select expires_at, warning_threshold_minutes from sessions where not expired and expires_at > $1 limit $2) s`, at, limit)
}
