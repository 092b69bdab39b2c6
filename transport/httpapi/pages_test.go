package httpapi_test

import (
	"bytes"
	"fmt"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/transport/httpapi/frame"
)

// large is a text of 600 KiB.
var large = strings.Repeat("much ado ", 600<<10/9)

// A list whose entries are large ends early, and says where to go on: nothing is left out, and nothing comes twice.
func TestListsOfLargeEntriesEndEarlyWithACursor(t *testing.T) {
	t.Parallel()
	s := serve(t)
	const n = 20 // 12 MB
	agent := s.newAgent("Hoarder")
	var correlation string
	for i := range n {
		if i == 0 {
			s.Ask("POST", chat+"/messages", fields{"author_id": ann, "content": fmt.Sprint(i, large), "server_id": "0"}, "X-Request-ID", unknown).Is(201)
		} else { // of the same request
			r := commands.Request{ID: frame.NewID(), At: time.Now().UTC().Truncate(time.Millisecond), Actor: "cli", Correlation: uuid.MustParse(unknown)}
			_, err := commands.Handle(t.Context(), s.Env, r, commands.SubmitMessage{
				MessageID: frame.NewID(), ChannelID: uuid.MustParse(path.Base(chat)), AuthorID: uuid.MustParse(ann), Content: fmt.Sprint(i, large),
			})
			must(t, err)
		}
		s.Ask("POST", "/api/agents/"+agent+"/memories", fields{"content": fields{"text": fmt.Sprint(i, large)}}).Is(201)
	}
	correlation = unknown
	s.CaughtUp()
	for _, list := range []struct{ name, path, at, parameter string }{
		{"messages", chat + "/messages?limit=1000", "messages", "before"},
		{"messages from the oldest", chat + "/messages?limit=1000&after=0", "messages", "after"},
		{"memories", "/api/agents/" + agent + "/memories?limit=1000", "memories", "before"},
		{"history", "/api/history/events?limit=1000&type=MessageSubmitted", "events", "after"},
		{"history from the newest", "/api/history/events?limit=1000&type=MessageSubmitted&direction=backwards", "events", "before"},
		{"tree", "/api/history/correlations/" + correlation + "?limit=1000", "tree", "after"},
	} {
		seen, pages := map[any]bool{}, 0
		for at := list.path; at != ""; pages++ {
			a := s.Ask("GET", at, nil).Is(200)
			if len(a.Body) > 10<<20 {
				t.Errorf("%s: a page of %d bytes", list.name, len(a.Body))
			}
			found, _ := a.At(list.at).([]any)
			for _, one := range found {
				id := one.(map[string]any)["id"]
				if seen[id] {
					t.Errorf("%s: %v comes twice", list.name, id)
				}
				seen[id] = true
			}
			next, _ := a.At("next").(string)
			if link := a.Header.Get("Link"); next != "" && len(found) < 1000 && (!strings.HasPrefix(link, "</api/") || !strings.HasSuffix(link, `>; rel="next"`)) {
				t.Errorf("%s: Link %q", list.name, link)
			}
			if at = ""; next != "" {
				at = list.path + "&" + list.parameter + "=" + next
				if strings.Contains(list.path, "after=0") {
					at = strings.Replace(list.path, "after=0", "after="+next, 1)
				}
			}
		}
		if len(seen) < n || pages < 2 {
			t.Errorf("%s: %d entries in %d pages", list.name, len(seen), pages)
		}
	}
	if lines := s.Ask("GET", "/api/history/events?format=ndjson&type=MessageSubmitted", nil).Is(200).Body; bytes.Count(lines, []byte("\n")) != n {
		t.Errorf("an export of the history has %d lines", bytes.Count(lines, []byte("\n")))
	}
	if whole := s.Ask("GET", "/api/memory/agents/"+agent+"/export?format=ndjson", nil).Is(200).Body; bytes.Count(whole, []byte(`"type":"memory"`)) < n {
		t.Errorf("an export of the agent has %d memories", bytes.Count(whole, []byte(`"type":"memory"`)))
	}
}

func TestTheTreeOfARequestHonoursItsLimit(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for range 5 { // commands of one request
		r := commands.Request{ID: frame.NewID(), At: time.Now().UTC().Truncate(time.Millisecond), Actor: "cli", Correlation: uuid.MustParse(unknown)}
		_, err := commands.Handle(t.Context(), s.Env, r, commands.CreateServer{ServerID: frame.NewID(), Name: "x", SourceType: "x"})
		must(t, err)
	}
	s.CaughtUp()
	path, total := "/api/history/correlations/"+unknown+"?limit=2", 0
	for at := path; at != ""; {
		a := s.Ask("GET", at, nil).Is(200)
		n := int(a.At("events").(float64))
		if total += n; n > 2 {
			t.Errorf("%d facts", n)
		}
		next, _ := a.At("next").(string)
		if at = ""; next != "" {
			at = path + "&after=" + next
		}
	}
	if whole := int(s.Ask("GET", "/api/history/correlations/"+unknown, nil).Is(200).At("events").(float64)); total != whole || whole < 5 {
		t.Errorf("%d in pages of %d", total, whole)
	}
}
