package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
)

func TestAClockThatJumpsAnHourLosesNothingAndAlarmsNobody(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	clock := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	s := inside(t, nil, func(o *node.Options) { o.Clock = clock })
	jumpTo := func(d time.Duration) { ahead.Store(int64(d)) }
	talkWhileTheClockJumps(t, s, jumpTo, func() bool { status, _ := readHealth(t, s.client); return status == http.StatusOK })
}

// PostgreSQL alone has another time, by a library that Debian has; timers of its sessions may end early, and are begun anew.
func TestAClockOfPostgresThatJumpsAnHourLosesNothing(t *testing.T) {
	t.Parallel()
	libraries, err := filepath.Glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
	if err != nil || len(libraries) == 0 {
		t.Skip("apt-get install faketime: it gives PostgreSQL another time")
	}
	dir := pgtest.Dir(t)
	moved := dir + "/clock"
	jumpTo := func(d time.Duration) {
		if err := os.WriteFile(moved, fmt.Appendf(nil, "%+d", int(d.Seconds())), 0o644); err != nil { //nolint:gosec // another user reads it
			t.Fatal(err)
		}
	}
	jumpTo(0)
	cluster := pgtest.Start(t, dir+"/postgres", "LD_PRELOAD="+libraries[0], "FAKETIME_TIMESTAMP_FILE="+moved, "FAKETIME_NO_CACHE=1",
		"FAKETIME_DONT_FAKE_MONOTONIC=1")
	conn, err := pgx.Connect(t.Context(), cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	s := inside(t, func(c *node.Config) { c.PostgresURL = cluster.URL() })
	talkWhileTheClockJumps(t, s, func(d time.Duration) {
		jumpTo(d)
		var now time.Time
		err := conn.QueryRow(t.Context(), "select clock_timestamp()").Scan(&now)
		if off := time.Until(now) - d; err != nil || off.Abs() > time.Minute {
			t.Fatalf("PostgreSQL does not have the time that the test gave it, but one that is off by %v: %v", off, err)
		}
	}, func() bool {
		eventually(t, time.Minute, "health is well again", func() bool { status, _ := readHealth(t, s.client); return status == http.StatusOK })
		return true
	})
}

// talkWhileTheClockJumps posts some messages after each jump, and checks that each is there once and answered once.
func talkWhileTheClockJumps(t *testing.T, s *started, jumpTo func(time.Duration), well func() bool) {
	t.Helper()
	agent := s.runningAgent(t, "Timeless")
	w := &writer{channel: s.channel(t, "DM", agent), ids: map[string]string{}}
	for i, jump := range []time.Duration{0, time.Hour, -time.Hour, 0} {
		jumpTo(jump)
		for j := range 3 {
			content := fmt.Sprintf("message %d of jump %d", j, i)
			id, a, err := s.post(t.Context(), w.channel, content)
			if err != nil || a.status != http.StatusCreated {
				t.Fatalf("%v: %v %d %s", jump, err, a.status, a.body)
			}
			w.acked, w.ids[content] = append(w.acked, content), id
		}
		if !well() {
			_, found := readHealth(t, s.client)
			t.Errorf("%v: %v", jump, found.Dependencies)
		}
	}
	asked, answered := w.settled(t, s.client, agent)
	replies := map[string]int{}
	for _, m := range answered {
		replies[m.InReplyTo]++
	}
	there := map[string]int{}
	for _, m := range asked {
		if there[m.Content]++; replies[m.ID] != 1 {
			t.Errorf("%q has %d replies", m.Content, replies[m.ID])
		}
	}
	for _, content := range w.acked {
		if there[content] != 1 {
			t.Errorf("%q is there %d times", content, there[content])
		}
	}
}

// Jumps of the clock over deadlines end what is due by the clock, once, and never bring it back.
func TestAClockThatJumpsOverDeadlinesEndsSessionsAndJobsOnce(t *testing.T) {
	t.Parallel()
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that its client is gone
		<-r.Context().Done()
	}))
	t.Cleanup(silent.Close)
	var ahead atomic.Int64
	s := inside(t, func(c *node.Config) {
		c.OpenAI.Key, c.OpenAI.BaseURL, c.OpenAI.Model = "sk-server", silent.URL, "oracle"
	}, func(o *node.Options) {
		o.Clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	agent := s.runningAgent(t, "Punctual")
	const timeout = 5 * time.Minute
	overdue, job := s.openSession(t, agent, nil), s.newJob(t, agent, timeout)

	ahead.Store(int64(time.Hour))
	eventually(t, time.Minute, "the session has ended", func() bool { return s.ends(t, overdue) == 1 })
	if status, _ := s.jobThen(t, job); status != "timeout" {
		t.Errorf("the job of an hour ago: %s", status)
	}
	later, laterJob := s.openSession(t, agent, nil), s.newJob(t, agent, timeout)

	ahead.Store(-int64(time.Hour))
	s.must(t, http.StatusGone, http.MethodPost, overdue+"/heartbeat", nil)
	s.must(t, http.StatusOK, http.MethodPost, later+"/heartbeat", nil)
	earlier, earlierJob := s.openSession(t, agent, nil), s.newJob(t, agent, timeout)
	s.must(t, http.StatusOK, http.MethodPost, earlier+"/heartbeat", nil)

	ahead.Store(0)
	eventually(t, time.Minute, "the session of an hour ago has ended", func() bool { return s.ends(t, earlier) == 1 })
	if status, _ := s.jobThen(t, earlierJob); status != "timeout" {
		t.Errorf("the job of an hour ago: %s", status)
	}

	ahead.Store(int64(2 * time.Hour))
	eventually(t, time.Minute, "the last session has ended", func() bool { return s.ends(t, later) == 1 })
	if status, _ := s.jobThen(t, laterJob); status != "timeout" {
		t.Errorf("the last job: %s", status)
	}
	for _, session := range []string{overdue, later, earlier} {
		if n := s.ends(t, session); n != 1 {
			t.Errorf("%s ended %d times", session, n)
		}
	}
	for _, one := range []string{job, laterJob, earlierJob} {
		told := string(s.must(t, http.StatusOK, http.MethodGet, "/api/history/jobs/"+path.Base(one), nil).body)
		if n := strings.Count(told, `"type":"JobEnded"`); n != 1 {
			t.Errorf("%s ended %d times", one, n)
		}
	}
}
