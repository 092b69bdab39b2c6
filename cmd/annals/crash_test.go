package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"annals/deploy/postgres/pgtest"
	"annals/transport/models/openai/openaitest"
)

// writer posts to one channel, one message after another, and keeps what was acknowledged.
type writer struct {
	channel string
	acked   []string // contents, in order
	ids     map[string]string
	next    int
}

// write posts until the context ends. A post without an answer may or may not have happened; it is not repeated.
func (w *writer) write(ctx context.Context, c *client) {
	pace := time.NewTicker(20 * time.Millisecond) // the agent has to answer all of it, one after another
	defer pace.Stop()
	for ; ctx.Err() == nil; <-pace.C {
		content := fmt.Sprintf("message %d", w.next)
		w.next++
		id, a, err := c.post(ctx, w.channel, content)
		if err == nil && a.status == http.StatusCreated {
			w.acked = append(w.acked, content)
			w.ids[content] = id
		}
	}
}

// verify finds each acknowledged message once, in order, and for each listed one exactly one answer of the agent.
func (w *writer) verify(t *testing.T, c *client, agent string) {
	t.Helper()
	asked, answered := w.settled(t, c, agent)
	at := map[string]int{}
	for i, m := range asked {
		if _, twice := at[m.Content]; twice {
			t.Errorf("%q is there twice", m.Content)
		}
		at[m.Content] = i
	}
	last := -1
	for _, content := range w.acked {
		i, ok := at[content]
		if !ok {
			t.Errorf("%q was acknowledged and is lost", content)
			continue
		}
		if i < last {
			t.Errorf("%q is out of order", content)
		}
		last = i
		if asked[i].ID != w.ids[content] {
			t.Errorf("%q has another id", content)
		}
	}
	replies := map[string]int{}
	for _, m := range answered {
		replies[m.InReplyTo]++
	}
	for _, m := range asked {
		if n := replies[m.ID]; agent != "" && n != 1 {
			t.Errorf("%q has %d answers", m.Content, n)
		}
	}
}

// settled lists the channel once every acknowledged message can be read and every message has its answer. A backlog may take its time, as long as it shrinks.
func (w *writer) settled(t *testing.T, c *client, agent string) (asked, answered []message) {
	t.Helper()
	if !settles(func() (int, bool) {
		asked, answered = split(c.messages(t, w.channel), agent)
		return len(asked) + len(answered), len(asked) >= len(w.acked) && (agent == "" || len(asked) == len(answered))
	}) {
		t.Errorf("of %d messages %d can be read and %d have an answer, and no more come", len(w.acked), len(asked), len(answered)) // verify names them
	}
	return asked, answered
}

// settles waits until look is done, as long as what it counts changes: on a busy machine a backlog may take its time. It reports whether
// look is done.
func settles(look func() (n int, done bool)) bool {
	const patience = 2 * time.Minute
	for before, end := -1, time.Now(); ; time.Sleep(200 * time.Millisecond) {
		n, done := look()
		if n != before {
			before, end = n, time.Now().Add(patience)
		}
		if done || time.Now().After(end) {
			return done
		}
	}
}

// split tells the messages of people from the agent's.
func split(all []message, agent string) (asked, answered []message) {
	for _, m := range all {
		if m.AuthorID == agent {
			answered = append(answered, m)
		} else {
			asked = append(asked, m)
		}
	}
	return asked, answered
}

// underLoad lets writers post to the server while harm is done to it, and gives them back.
func underLoad(ctx context.Context, c *client, writers []*writer, harm func()) {
	ctx, cancel := context.WithCancel(ctx)
	var posting sync.WaitGroup
	for _, w := range writers {
		posting.Go(func() { w.write(ctx, c) })
	}
	time.Sleep(time.Duration(100+rand.IntN(400)) * time.Millisecond) // the moment of the harm is random on purpose
	harm()
	cancel()
	posting.Wait()
}

func TestCrashOfTheServerLosesNothingAndAnswersOnce(t *testing.T) {
	t.Parallel()
	model := openaitest.Start(t, openaitest.Script{Delay: 20 * time.Millisecond})
	settings := []string{
		"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + pgtest.New(t), "OPENAI_BASE_URL=" + model.URL,
	}
	p := spawn(t, settings...)
	agent := p.runningAgent(t, "Crash Agent")
	var writers []*writer
	for range 4 {
		writers = append(writers, &writer{channel: p.channel(t, "DM", agent), ids: map[string]string{}})
	}
	for range setting("ANNALS_CRASHES", 1, 100) {
		underLoad(t.Context(), p.client, writers, p.kill)
		p = spawn(t, settings...)
	}
	for _, w := range writers {
		w.verify(t, p.client, agent)
	}
	if code := p.stop(t); code != 0 {
		t.Errorf("exit status %d", code)
	}
}

func TestCrashOfPostgresLosesNothingAndAnswersOnce(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Own(t)
	p := spawn(t, "SERVER_PORT=0", "DATA_DIR="+t.TempDir(), "POSTGRES_URL="+cluster.URL())
	agent := p.runningAgent(t, "Crash Agent")
	var writers []*writer
	for range 4 {
		writers = append(writers, &writer{channel: p.channel(t, "DM", agent), ids: map[string]string{}})
	}
	for range setting("ANNALS_CRASHES", 1, 100) {
		underLoad(t.Context(), p.client, writers, func() {
			eventually(t, time.Minute, "the last one was replaced", func() bool { return syscall.Kill(cluster.PID(), syscall.SIGKILL) == nil })
			time.Sleep(200 * time.Millisecond) // posting goes on while it is away
		})
	}
	for _, w := range writers {
		w.verify(t, p.client, agent)
	}
}
