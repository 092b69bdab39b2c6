package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
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
