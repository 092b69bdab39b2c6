package queries_test

import (
	"testing"
	"time"

	"annals/events"
)

func TestADeadlineOfASessionComesWithTheSessionAsItStands(t *testing.T) {
	t.Parallel()
	g := start(t)
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	clock := events.SessionClock{
		CreatedAt: noon, LastActivity: noon, ExpiresAt: noon.Add(5 * time.Minute),
		Timeout: events.SessionTimeout{TimeoutMinutes: 5, AutoRenew: true, MaxDurationMinutes: 12.5, WarningThresholdMinutes: 1},
	}
	state := events.SessionState{SessionID: id(1), ChannelID: id(2), AgentID: id(3), UserID: id(4), Clock: clock}
	g.happened(events.SessionStream(id(1)), events.SessionCreated{SessionID: id(1), ChannelID: id(2), AgentID: id(3), UserID: id(4), Clock: clock})
	state.Clock.LastActivity, state.Clock.ExpiresAt, state.Clock.RenewalCount = noon.Add(time.Minute), noon.Add(6*time.Minute), 1
	g.happened(events.SessionStream(id(1)), events.SessionUsed(state))
	g.happened(events.JobStream(id(5)), events.JobCreated{JobID: id(5), ChannelID: id(6), AgentID: id(3), UserID: id(4), CreatedAt: noon, ExpiresAt: noon.Add(time.Minute)})
	if early, err := g.Due(g.ctx, noon, 10); err != nil || len(early) != 0 {
		t.Errorf("before: %+v %v", early, err)
	}
	due, err := g.Due(g.ctx, noon.Add(6*time.Minute), 10)
	if err != nil || len(due) != 2 {
		t.Fatalf("%+v %v", due, err)
	}
	if due[0].ID != id(5) || due[0].Command != events.TimeOutJob || due[0].Session != nil {
		t.Errorf("the job: %+v", due[0])
	}
	if d := due[1]; d.ID != id(1) || d.Command != events.ExpireSession || d.Session == nil || *d.Session != state || d.Revision != 1 {
		t.Errorf("the session: %+v %+v", d, d.Session)
	}
	g.happened(events.SessionStream(id(1)), events.SessionExpired(state))
	g.happened(events.JobStream(id(5)), events.JobEnded{JobID: id(5), ChannelID: id(6), AgentID: id(3), UserID: id(4), Status: events.JobTimedOut})
	if over, err := g.Due(g.ctx, noon.Add(time.Hour), 10); err != nil || len(over) != 0 {
		t.Errorf("afterwards: %+v %v", over, err)
	}
}
