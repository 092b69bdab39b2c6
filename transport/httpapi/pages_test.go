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
	"annals/events"
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

// A client that pages by createdAt gets each entry, whatever the list and the direction.
func TestEveryListThatPagesByTimeLosesNothingOfAMillisecond(t *testing.T) {
	t.Parallel()
	s := serve(t)
	const n = 12
	agent, server, channel := uuid.MustParse(s.newAgent("Mnemosyne")), uuid.New(), uuid.New()
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	run := func(do func(commands.Request) (commands.Result, error)) {
		t.Helper()
		_, err := do(commands.Request{ID: frame.NewID(), At: at, Actor: "cli", Correlation: uuid.New()})
		must(t, err)
	}
	create := func(id uuid.UUID) {
		run(func(r commands.Request) (commands.Result, error) {
			return commands.Handle(t.Context(), s.Env, r, commands.CreateServer{ServerID: id, Name: "s", SourceType: "x"})
		})
	}
	create(server)
	run(func(r commands.Request) (commands.Result, error) {
		return commands.Handle(t.Context(), s.Env, r, commands.CreateChannel{ChannelID: channel, ServerID: events.DefaultServer, Name: "c", Type: "GROUP"})
	})
	var room, world uuid.UUID
	for i := range n {
		if i%3 == 0 { // three in each millisecond
			at = at.Add(time.Millisecond)
		}
		create(uuid.New())
		run(func(r commands.Request) (commands.Result, error) {
			return commands.Handle(t.Context(), s.Env, r, commands.CreateChannel{ChannelID: uuid.New(), ServerID: server, Name: "c", Type: "GROUP"})
		})
		w, r1 := uuid.New(), uuid.New()
		run(func(r commands.Request) (commands.Result, error) {
			return commands.Handle(t.Context(), s.Env, r, commands.CreateWorld{WorldID: w, AgentID: agent, Name: "w"})
		})
		run(func(r commands.Request) (commands.Result, error) {
			return commands.Handle(t.Context(), s.Env, r, commands.CreateRoom{RoomID: r1, AgentID: agent, WorldID: w, Name: "r", Type: "API", Entities: []uuid.UUID{agent}})
		})
		if i == 0 {
			room, world = r1, w
		}
		run(func(r commands.Request) (commands.Result, error) {
			return commands.Handle(t.Context(), s.Env, r, commands.StoreMemory{
				MemoryID: uuid.New(), AgentID: agent, RoomID: room, EntityID: agent, Table: "messages", Content: []byte(`{"text":"tea"}`), At: at,
			})
		})
		run(func(r commands.Request) (commands.Result, error) { // not Submit: of the same time all the same, as from two nodes
			return commands.Handle(t.Context(), s.Env, r, commands.SubmitMessage{MessageID: uuid.New(), ChannelID: channel, AuthorID: agent, Content: "tea"})
		})
	}
	s.CaughtUp()
	for _, list := range []struct {
		path, of string
		newest   bool
	}{
		{"/api/messaging/central-servers", "servers", false},
		{"/api/server/debug/servers", "servers", false},
		{"/api/messaging/central-servers/" + server.String() + "/channels", "channels", false},
		{"/api/messaging/central-channels/" + channel.String() + "/messages", "messages", true},
		{"/api/agents/worlds", "worlds", false},
		{"/api/agents/" + agent.String() + "/worlds", "worlds", false},
		{"/api/agents/" + agent.String() + "/rooms", "rooms", false},
		{"/api/agents/" + agent.String() + "/memories", "memories", true},
		{"/api/agents/" + agent.String() + "/rooms/" + room.String() + "/memories", "memories", true},
		{"/api/memory/groups", "groups", false},
		{"/api/memory/groups/" + world.String() + "/memories", "memories", true},
	} {
		all := len(s.Ask("GET", list.path, nil).Is(200).At(list.of).([]any))
		for parameter, cursor := range map[string]string{"before": "9000-01-01T00:00:00Z", "after": "0"} {
			seen := map[any]bool{}
			for range all + 1 {
				found := s.Ask("GET", list.path+"?limit=2&"+parameter+"="+cursor, nil).Is(200).At(list.of).([]any)
				if len(found) == 0 {
					break
				}
				for _, one := range found {
					seen[one.(map[string]any)["id"]] = true
				}
				edge := found[0].(map[string]any)["createdAt"]
				if (parameter == "before") == list.newest {
					edge = found[len(found)-1].(map[string]any)["createdAt"]
				}
				if cursor = fmt.Sprint(edge); list.of == "memories" { // a number
					cursor = fmt.Sprint(int64(edge.(float64)))
				}
			}
			if len(seen) != all || all < n {
				t.Errorf("%s by %s: %d of %d", list.path, parameter, len(seen), all)
			}
		}
	}
}
