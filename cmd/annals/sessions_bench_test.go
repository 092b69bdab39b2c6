package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
)

// manySessions is how many are open at once while sessions are measured.
const manySessions = 10_000

type bareSession struct {
	ID, ChannelID, AgentID, UserID                              uuid.UUID
	Metadata                                                    json.RawMessage
	CreatedAt, LastActivity, ExpiresAt                          time.Time
	RenewalCount                                                int64
	AutoRenew                                                   bool
	TimeoutMinutes, MaxDurationMinutes, WarningThresholdMinutes float64
}

// BenchmarkSessions opens 10,000 sessions, and with them open creates 200 a second, lists pages of 100, beside bare pgx and
// encoding/json, renews them, and lets all of them expire at one time.
func BenchmarkSessions(b *testing.B) {
	var ahead atomic.Int64
	url := pgtest.New(b)
	s := inside(b, func(c *node.Config) { c.PostgresURL = url }, func(o *node.Options) {
		o.Clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	agent := s.runningAgent(b, "Timed Agent")
	paths := make([]string, manySessions)
	began := time.Now()
	var opening sync.WaitGroup
	for c := range 16 {
		opening.Go(func() {
			for i := c; i < manySessions; i += 16 {
				paths[i] = s.openSession(b, agent, map[string]any{"platform": "web"})
			}
		})
	}
	opening.Wait()
	created := manySessions / time.Since(began).Seconds()
	bare := newClient(bareServer[bareSession](b, url, `
select id, channel_id, agent_id, user_id, metadata, created_at, last_activity, expires_at, renewal_count, auto_renew, timeout_minutes,
	max_duration_minutes, warning_threshold_minutes
from sessions where not expired order by created_at, created limit 100`))
	b.Run("list", func(b *testing.B) { beside(b, 4, get(s.client, "/api/messaging/sessions?limit=100"), get(bare, "/")) })
	b.Run("use", func(b *testing.B) {
		for b.Loop() {
			b.ReportMetric(created, "created/s-by-16")
			steady := s.pacedSessions(b, agent, 200, measured)
			b.ReportMetric(millis(steady, 50), "create-p50-ms")
			b.ReportMetric(millis(steady, 99), "create-p99-ms")
			renewed := load(b, 16, measured, func(ctx context.Context, client, i int) error {
				a, err := s.call(ctx, http.MethodPost, paths[(16*i+client)%manySessions]+"/heartbeat", nil)
				if err == nil && a.status != http.StatusOK {
					err = fmt.Errorf("%d %s", a.status, a.body)
				}
				return err
			})
			slices.Sort(renewed)
			b.ReportMetric(float64(len(renewed))/measured.Seconds(), "renewed/s")
			b.ReportMetric(millis(renewed, 99), "renew-p99-ms")
		}
		b.ReportMetric(0, "ns/op")
	})
	b.Run("expire", func(b *testing.B) {
		for b.Loop() {
			open, _ := s.countSessions(b)
			ahead.Add(int64(31 * time.Minute))
			began := time.Now()
			s.allExpired(b)
			b.ReportMetric(float64(open), "at-one-time")
			b.ReportMetric(time.Since(began).Seconds(), "s-until-recorded")
		}
		b.ReportMetric(0, "ns/op")
	})
}

// allExpired waits until the end of every session is recorded. It asks seldom: to count 10,000 sessions takes time from what is measured.
func (c *client) allExpired(b *testing.B) {
	b.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if open, overdue := c.countSessions(b); open == 0 && overdue == 0 {
			return
		}
	}
	b.Fatal("not every end is recorded within a minute")
}

func (c *client) countSessions(t testing.TB) (open, overdue int) {
	t.Helper()
	var list struct {
		Stats struct{ ActiveSessions, ExpiredSessions int }
	}
	if err := c.must(t, http.StatusOK, http.MethodGet, "/api/messaging/sessions?limit=1", nil).data(&list); err != nil {
		t.Fatal(err)
	}
	return list.Stats.ActiveSessions, list.Stats.ExpiredSessions
}

// pacedSessions opens so many sessions a second, whether the answers have come or not, and gives the times that they took.
func (c *client) pacedSessions(b *testing.B, agent string, perSecond int, lasting time.Duration) (took []time.Duration) {
	b.Helper()
	var (
		mu      sync.Mutex
		opening sync.WaitGroup
	)
	ticks := time.NewTicker(time.Second / time.Duration(perSecond))
	defer ticks.Stop()
	for end := time.Now().Add(lasting); time.Now().Before(end); <-ticks.C {
		opening.Go(func() {
			began := time.Now()
			c.openSession(b, agent, nil)
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(began))
		})
	}
	opening.Wait()
	slices.Sort(took)
	return took
}
