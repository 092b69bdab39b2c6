package main

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"annals/deploy/postgres/pgtest"
	"annals/transport/models/openai/openaitest"
)

// parkedNow lists what is parked: what was said in each message, by the id of the event.
func (c *client) parkedNow(t *testing.T) (ids []string) {
	t.Helper()
	var found struct {
		Parked []struct{ ID, Group, Type, Reason, Data string }
		Count  int
	}
	if err := c.must(t, http.StatusOK, http.MethodGet, "/api/server/parked", nil).data(&found); err != nil {
		t.Fatal(err)
	}
	for _, p := range found.Parked {
		if p.Group != "reply" || p.Type != "MessageSubmitted" || !strings.Contains(p.Reason, "the model refused") || p.Data != "" {
			t.Errorf("parked is %+v", p)
		}
		ids = append(ids, p.ID)
	}
	if found.Count != len(ids) {
		t.Errorf("counted are %d of %d", found.Count, len(ids))
	}
	return ids
}

// counts tells whether a counter says so.
func (c *client) counts(t *testing.T, line string) bool {
	t.Helper()
	return strings.Contains(string(c.must(t, http.StatusOK, http.MethodGet, "/metrics", nil).body), "\n"+line+"\n")
}

// dealtWith fails the test unless the history says who did what to which events that were parked, and nothing else.
func (c *client) dealtWith(t *testing.T, ids []string, want map[string]string) {
	t.Helper()
	told := 0
	for who, events := range want {
		typ, actor, _ := strings.Cut(who, " ")
		var page struct {
			Events []struct {
				Correlation string
				Data        struct{ EventID, Reaction string }
			}
		}
		eventually(t, time.Minute, "the history is told", func() bool { // which may be behind
			if err := c.must(t, http.StatusOK, http.MethodGet, "/api/history/events?category=parked&type="+typ+"&actor="+actor, nil).data(&page); err != nil {
				t.Fatal(err)
			}
			return len(page.Events) >= len(strings.Fields(events))
		})
		var found []string
		for _, e := range page.Events {
			found = append(found, e.Data.EventID)
			if e.Data.Reaction != "reply" || e.Correlation == "" {
				t.Errorf("%s: %+v", who, e)
			}
		}
		if told += len(found); strings.Join(found, " ") != events {
			t.Errorf("%s did it to %v, not %s", who, found, events)
		}
	}
	if told != len(ids) {
		t.Errorf("%d of %d are told of", told, len(ids))
	}
}

func TestWhatReactionsGaveUpIsListedShownRetriedAndDropped(t *testing.T) {
	t.Parallel()
	const refusals = 4
	model := openaitest.Start(t, openaitest.Script{Fail: refusals, Status: http.StatusUnauthorized})
	dir := t.TempDir()
	settings := []string{
		"SERVER_PORT=0", "DATA_DIR=" + dir, "POSTGRES_URL=" + pgtest.New(t), "OPENAI_BASE_URL=" + model.URL, "OPENAI_LARGE_MODEL=oracle",
	}
	p := spawn(t, settings...)
	annals := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"parked"}, args...)...)
		cmd.Env = append(append(os.Environ(), asAnnals+"=1"), settings...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("annals parked %v: %v: %s", args, err, out)
		}
		return string(out)
	}
	if out := annals("list"); strings.Contains(out, "MessageSubmitted") {
		t.Errorf("listed is %s", out)
	}
	agent := p.runningAgent(t, "Listener")
	var channels []string
	for i := range refusals {
		channels = append(channels, p.channel(t, "DM", agent))
		if _, _, err := p.post(t.Context(), channels[i], "I feel at home here."); err != nil {
			t.Fatal(err)
		}
		eventually(t, time.Minute, "it is parked", func() bool { return len(p.parkedNow(t)) == i+1 })
	}
	ids := p.parkedNow(t)
	for _, line := range []string{`annals_parked_events{reaction="reply"} 4`, `annals_reactions_total{outcome="parked",reaction="reply"} 4`} {
		eventually(t, time.Minute, line, func() bool { return p.counts(t, line) })
	}
	answered := func(i int) bool { return len(p.messages(t, channels[i])) == 2 }
	remain := func(want ...string) {
		t.Helper()
		now := ""
		defer func() {
			if t.Failed() {
				t.Logf("parked are %s, not %v, of %v", now, want, ids)
			}
		}()
		eventually(t, time.Minute, "the others remain parked", func() bool {
			now = strings.Join(p.parkedNow(t), " ")
			return now == strings.Join(want, " ")
		})
	}

	shown := string(p.must(t, http.StatusOK, http.MethodGet, "/api/server/parked/"+ids[1], nil).body)
	if !strings.Contains(shown, channels[1]) || !strings.Contains(shown, "I feel at home here.") || !strings.Contains(shown, "the model refused") {
		t.Errorf("shown is %s", shown)
	}
	if out := annals("show", ids[1]); !strings.Contains(out, channels[1]) {
		t.Errorf("shown is %s", out)
	}
	if out := annals("list"); strings.Count(out, "MessageSubmitted") != refusals || !strings.Contains(out, ids[2]) {
		t.Errorf("listed is %s", out)
	}

	p.must(t, http.StatusOK, http.MethodPost, "/api/server/parked/"+ids[1]+"/retry", nil)
	eventually(t, time.Minute, "the one is answered", func() bool { return answered(1) })
	remain(ids[0], ids[2], ids[3])
	if out := annals("drop", ids[0]); !strings.Contains(out, "dropped 1") {
		t.Errorf("dropped is %s", out)
	}
	remain(ids[2], ids[3])
	if out := annals("retry", ids[3]); !strings.Contains(out, "retried 1") {
		t.Errorf("retried is %s", out)
	}
	eventually(t, time.Minute, "the other is answered", func() bool { return answered(3) })
	remain(ids[2])
	p.must(t, http.StatusOK, http.MethodPost, "/api/server/parked/retry?group=reply", nil)
	eventually(t, time.Minute, "the last is answered", func() bool { return answered(2) })
	remain()
	eventually(t, time.Minute, "nothing is counted as parked", func() bool { return p.counts(t, `annals_parked_events{reaction="reply"} 0`) })
	if answered(0) {
		t.Error("what was dropped is answered")
	}
	p.dealtWith(t, ids, map[string]string{
		"ParkedEventRetried anonymous": ids[1] + " " + ids[2], "ParkedEventRetried cli": ids[3], "ParkedEventDropped cli": ids[0],
	})
	p.must(t, http.StatusNotFound, http.MethodPost, "/api/server/parked/"+ids[0]+"/retry", nil)
	p.must(t, http.StatusNotFound, http.MethodDelete, "/api/server/parked/"+ids[0], nil)
	p.must(t, http.StatusNotFound, http.MethodGet, "/api/server/parked/"+ids[0], nil)
	p.must(t, http.StatusNotFound, http.MethodDelete, "/api/server/parked/"+defaultServer, nil) // which stands for no event
	p.must(t, http.StatusNotFound, http.MethodGet, "/api/server/parked?group=nobody", nil)
	p.must(t, http.StatusNoContent, http.MethodDelete, "/api/server/parked", nil)
}
