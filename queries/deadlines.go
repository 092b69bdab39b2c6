package queries

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// Due is a deadline that has come, with the session whose it is as that stands at a revision of its stream; nil where it is of none.
type Due struct {
	events.Deadline

	Session  *events.SessionState
	Revision uint64
}

// dueRow has the columns of a deadline, and those of its session where it has one.
type dueRow struct {
	ID                                                          uuid.UUID
	Due                                                         time.Time
	Command                                                     string
	ChannelID, AgentID, UserID                                  *uuid.UUID
	CreatedAt, LastActivity, ExpiresAt                          *time.Time
	RenewalCount                                                *int
	TimeoutMinutes, MaxDurationMinutes, WarningThresholdMinutes *float64
	AutoRenew                                                   *bool
	Revision                                                    *uint64
}

// Due lists what has its deadline at a time or before, the earliest first.
func (q *Queries) Due(ctx context.Context, at time.Time, limit int) ([]Due, error) {
	return many(ctx, q, "deadlines", readDue, `
select d.id, d.due, d.command, s.channel_id, s.agent_id, s.user_id, s.created_at, s.last_activity, s.expires_at, s.renewal_count,
	s.timeout_minutes, s.auto_renew, s.max_duration_minutes, s.warning_threshold_minutes, s.revision
from deadlines d left join sessions s on s.id = d.id and not s.expired and d.command = $3
where d.due <= $1 order by d.due limit $2`, at, limit, events.ExpireSession)
}

func readDue(row pgx.CollectableRow) (Due, error) {
	r, err := pgx.RowToStructByName[dueRow](row)
	d := Due{Deadline: events.Deadline{ID: r.ID, Due: r.Due, Command: r.Command}}
	if err != nil || r.Revision == nil {
		return d, err
	}
	d.Revision = *r.Revision
	d.Session = &events.SessionState{SessionID: r.ID, ChannelID: *r.ChannelID, AgentID: *r.AgentID, UserID: *r.UserID, Clock: events.SessionClock{
		CreatedAt: r.CreatedAt.UTC(), LastActivity: r.LastActivity.UTC(), ExpiresAt: r.ExpiresAt.UTC(), RenewalCount: *r.RenewalCount,
		Timeout: events.SessionTimeout{
			TimeoutMinutes: *r.TimeoutMinutes, AutoRenew: *r.AutoRenew, MaxDurationMinutes: *r.MaxDurationMinutes,
			WarningThresholdMinutes: *r.WarningThresholdMinutes,
		},
	}}
	return d, nil
}

// NextDeadline is the earliest deadline there is. It fails with ErrNotFound where there is none.
func (q *Queries) NextDeadline(ctx context.Context) (time.Time, error) {
	return one(ctx, q, "deadline", pgx.RowTo[time.Time], `select due from deadlines order by due limit 1`)
}
