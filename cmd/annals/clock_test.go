package main

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"annals/cmd/internal/node"
)

func TestAClockThatJumpsAnHourLosesNothingAndAlarmsNobody(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	clock := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	s := inside(t, nil, func(o *node.Options) { o.Clock = clock })
	agent := s.runningAgent(t, "Timeless")
	w := &writer{channel: s.channel(t, "DM", agent), ids: map[string]string{}}
	for i, jump := range []time.Duration{0, time.Hour, -time.Hour, 0} {
		ahead.Store(int64(jump))
		for j := range 3 {
			content := fmt.Sprintf("message %d of jump %d", j, i)
			id, a, err := s.post(t.Context(), w.channel, content)
			if err != nil || a.status != http.StatusCreated {
				t.Fatalf("%v: %v %d %s", jump, err, a.status, a.body)
			}
			w.acked, w.ids[content] = append(w.acked, content), id
		}
		if status, found := readHealth(t, s.client); status != http.StatusOK {
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
