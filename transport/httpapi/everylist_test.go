package httpapi_test

import (
	"fmt"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/transport/httpapi"
	"annals/transport/httpapi/frame"
	"annals/transport/httpapi/httpapitest"
	"annals/transport/limits"
)

// listed is a list, with the member that holds it and the parameter of the query that takes its cursor.
type listed struct{ path, at, parameter string }

// smallLists are those whose entries are small, whatever clients send, and those that cannot be gone on with.
var smallLists = map[string]string{
	"/participants":    "ids",
	"/agents":          "ids, of a server or a channel",
	"/message-servers": "ids, of an agent",
	"/servers":         "ids, of an agent",
	"/api/server/logs": "lines, which are bounded together",
	"/search":          "the best of what was found: it ends early, and a narrower search finds the rest",
	"/parked":          "ids with a reason in the server's words",
	"/runs":            "ids and counts, with a reason in the server's words",
}

// A page that a client has not taken yet holds memory. Every list ends early where its client has no more of it, and names the cursor
// with which it goes on: a new list has to be named here.
func TestEveryListEndsEarlyWithACursor(t *testing.T) {
	t.Parallel()
	one := limits.Bound{Value: 1} // beyond what is free, one entry at a time
	s := serve(t, func(o *httpapi.Options) { o.Frame.Pages = limits.NewBudget(one, one, one) })
	const n = 5
	world, room, server, channel, session := uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New()
	agent := uuid.MustParse(s.newAgent("Hoarder"))
	for i := range n {
		s.hoard(t, i, agent, server, channel, world, room)
		s.hoardAsked(t, i, agent, channel, session)
	}
	s.CaughtUp()
	ofAgent := "/api/agents/" + agent.String()
	lists := map[string]listed{
		"/api/agents":                                        {"/api/agents", "agents", "after"},
		"/api/agents/{agentId}/logs":                         {ofAgent + "/logs", "", "offset"},
		"/api/agents/worlds":                                 {"/api/agents/worlds", "worlds", "after"},
		"/api/agents/{agentId}/worlds":                       {ofAgent + "/worlds", "worlds", "after"},
		"/api/agents/{agentId}/rooms":                        {ofAgent + "/rooms", "rooms", "after"},
		"/api/agents/{agentId}/memories":                     {ofAgent + "/memories", "memories", "before"},
		"/api/agents/{agentId}/documents":                    {ofAgent + "/documents", "documents", "before"},
		"/api/agents/{agentId}/rooms/{roomId}/memories":      {ofAgent + "/rooms/" + room.String() + "/memories", "memories", "before"},
		"/api/memory/groups":                                 {"/api/memory/groups", "groups", "after"},
		"/api/memory/groups/{serverId}/memories":             {"/api/memory/groups/" + world.String() + "/memories", "memories", "before"},
		"/api/messaging/message-servers":                     {"/api/messaging/message-servers", "servers", "after"},
		"/api/messaging/message-servers/{serverId}/channels": {"/api/messaging/message-servers/" + server.String() + "/channels", "channels", "after"},
		"/api/messaging/channels/{channelId}/messages":       {"/api/messaging/channels/" + channel.String() + "/messages", "messages", "before"},
		"/api/messaging/sessions":                            {"/api/messaging/sessions", "sessions", "after"},
		"/api/messaging/sessions/{sessionId}/messages":       {"/api/messaging/sessions/" + session.String() + "/messages", "messages", "before"},
		"/api/messaging/jobs":                                {"/api/messaging/jobs", "jobs", "before"},
		"/api/server/debug/servers":                          {"/api/server/debug/servers", "servers", "after"},
		"/api/history/events":                                {"/api/history/events", "events", "after"},
		"/api/history/agents/{id}":                           {}, // stories are bounded by history.story.bytes
		"/api/history/channels/{id}":                         {},
		"/api/history/messages/{id}":                         {},
		"/api/history/memories/{id}":                         {},
		"/api/history/sessions/{id}":                         {},
		"/api/history/jobs/{id}":                             {},
		"/api/history/correlations/{id}":                     {"/api/history/correlations/" + unknown, "tree", "after"},
	}
	same := strings.NewReplacer("/central-servers", "/message-servers", "/messaging/servers", "/messaging/message-servers", "/central-channels", "/channels",
		"/api/memory/agents/", "/api/agents/", "/api/memory/{agentId}/", "/api/agents/{agentId}/")
	for described, item := range s.API.OpenAPI().Paths {
		if item.Get == nil || !asksForALimit(item.Get.Parameters) {
			continue
		}
		l, known := lists[same.Replace(described)]
		if !known {
			if smallLists["/"+path.Base(described)] == "" && smallLists[described] == "" {
				t.Errorf("GET %s is a list that this test does not know", described)
			}
			continue
		}
		if l.path != "" {
			s.endsEarly(t, l, n)
		}
	}
}

// endsEarly goes through a list with at least so many entries.
func (s *fixture) endsEarly(t *testing.T, l listed, n int) {
	t.Helper()
	seen, pages, cursor := map[string]bool{}, 0, ""
	for ; pages == 0 || cursor != ""; pages++ {
		a := s.Ask("GET", l.path+"?limit=1000"+cursor, nil).Is(200)
		if len(a.Body) > 4<<20 {
			t.Errorf("%s: a page of %d bytes", l.path, len(a.Body))
		}
		var entries []any
		if l.at == "" {
			a.Data(&entries)
		} else {
			entries, _ = a.At(l.at).([]any)
		}
		for _, one := range entries {
			entry := one.(map[string]any)
			seen[fmt.Sprint(entry["id"], entry["sessionId"], entry["jobId"])] = true
		}
		cursor = ""
		if _, query, more := strings.Cut(a.Header.Get("Link"), l.parameter+"="); more {
			value, _, _ := strings.Cut(strings.TrimSuffix(query, `>; rel="next"`), "&")
			cursor = "&" + l.parameter + "=" + value
		}
		if pages > 50*n {
			t.Fatalf("%s does not end", l.path)
		}
	}
	if len(seen) < n || pages < 2 {
		t.Errorf("%s: %d entries in %d pages", l.path, len(seen), pages)
	}
}

// hoard records one large thing of each kind.
func (s *fixture) hoard(t *testing.T, i int, agent, server, channel, world, room uuid.UUID) {
	t.Helper()
	text := fmt.Sprint(i, large)
	run := func(do func(commands.Request) (commands.Result, error)) {
		t.Helper()
		_, err := do(commands.Request{ID: frame.NewID(), At: time.Now().UTC().Truncate(time.Millisecond), Actor: "cli", Correlation: uuid.MustParse(unknown)})
		must(t, err)
	}
	metadata := []byte(`{"text":"` + text + `"}`)
	first := func(id uuid.UUID) uuid.UUID {
		if i == 0 {
			return id
		}
		return uuid.New()
	}
	run(func(r commands.Request) (commands.Result, error) {
		return commands.Handle(t.Context(), s.Env, r, commands.CreateAgent{AgentID: uuid.New(), Character: events.Character{Name: fmt.Sprint("Agent ", i), Bio: []byte(`["` + text + `"]`)}})
	})
	run(func(r commands.Request) (commands.Result, error) {
		return commands.Handle(t.Context(), s.Env, r, commands.RecordLog{LogRecorded: events.LogRecorded{
			LogID: uuid.New(), AgentID: agent, RoomID: agent, EntityID: agent, SubjectID: agent, Type: "action", Body: metadata,
		}})
	})
	run(func(r commands.Request) (commands.Result, error) {
		return commands.Handle(t.Context(), s.Env, r, commands.CreateServer{ServerID: first(server), Name: "s", SourceType: "x", Metadata: metadata})
	})
	run(func(r commands.Request) (commands.Result, error) {
		return commands.Handle(t.Context(), s.Env, r, commands.CreateChannel{ChannelID: first(channel), ServerID: server, Name: "c", Type: "GROUP", Metadata: metadata})
	})
	run(func(r commands.Request) (commands.Result, error) {
		return commands.Handle(t.Context(), s.Env, r, commands.UpdateChannel{ChannelID: channel, Metadata: metadata})
	})
	thisWorld, thisRoom := first(world), first(room)
	run(func(r commands.Request) (commands.Result, error) {
		return commands.Handle(t.Context(), s.Env, r, commands.CreateWorld{WorldID: thisWorld, AgentID: agent, Name: "w", Metadata: metadata})
	})
	run(func(r commands.Request) (commands.Result, error) {
		return commands.Handle(t.Context(), s.Env, r, commands.CreateRoom{
			RoomID: thisRoom, AgentID: agent, WorldID: thisWorld, Name: text, Type: "API", Metadata: []byte(`{}`), Entities: []uuid.UUID{agent},
		})
	})
	run(func(r commands.Request) (commands.Result, error) {
		return commands.Handle(t.Context(), s.Env, r, commands.StoreMemory{
			MemoryID: uuid.New(), AgentID: agent, RoomID: room, EntityID: agent, Table: "messages", Content: metadata, At: r.At,
		})
	})
	run(func(r commands.Request) (commands.Result, error) {
		return commands.Handle(t.Context(), s.Env, r, commands.StoreMemory{
			MemoryID: uuid.New(), AgentID: agent, RoomID: room, EntityID: agent, Table: events.TableDocuments, Content: []byte(`{"text":"x"}`),
			Metadata: []byte(`{"title":"` + text + `"}`), At: r.At,
		})
	})
	run(func(r commands.Request) (commands.Result, error) {
		return commands.Submit(t.Context(), s.Env, r, commands.SubmitMessage{MessageID: uuid.New(), ChannelID: channel, AuthorID: agent, Content: text})
	})
}

// hoardAsked records a session and a job of an agent with a large text each. The first session has the id.
func (s *fixture) hoardAsked(t *testing.T, i int, agent, channel, session uuid.UUID) {
	t.Helper()
	if i > 0 {
		session = uuid.New()
	}
	metadata := []byte(`{"text":"` + fmt.Sprint(i, large) + `"}`)
	must(t, httpapitest.Do(s.Env, commands.CreateSession{
		SessionID: session, ChannelID: channel, AgentID: agent, UserID: agent, Metadata: metadata,
		Timeout: events.SessionTimeout{TimeoutMinutes: 30, AutoRenew: true, MaxDurationMinutes: 60, WarningThresholdMinutes: 5},
	}))
	must(t, httpapitest.Do(s.Env, commands.CreateJob{
		ChannelID: uuid.New(), MessageID: uuid.New(), AgentID: agent, UserID: agent, Metadata: metadata, Timeout: time.Minute,
	}))
}
