package httpapi_test

import (
	"slices"
	"strings"
	"testing"

	"annals/events"
	"annals/transport/problem"
)

// spellings are how clients name an agent's memories.
var spellings = []string{"/api/agents/", "/api/memory/", "/api/memory/agents/"}

func TestAMemoryIsStoredShownChangedAndRemovedInEverySpelling(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	for _, spelling := range spellings {
		path := spelling + agent + "/memories"
		made := s.Ask("POST", path, fields{"content": fields{"text": "tea", "a": 1}, "tableName": "facts", "metadata": fields{"m": 2}, "entityId": ann}).Is(201)
		id := made.Text("id")
		if made.Text("type") != "facts" || made.Text("roomId") != agent || made.Text("entityId") != ann || made.At("unique") != true {
			t.Errorf("stored: %s", made.Body)
		}
		listed := s.Ask("GET", path+"?tableName=facts", nil).Is(200)
		if listed.Text("memories.0.id") != id || listed.At("memories.0.content.a") != 1.0 || listed.At("memories.0.metadata.m") != 2.0 {
			t.Errorf("listed: %s", listed.Body)
		}
		if s.Ask("GET", path, nil).Is(200).At("memories.0") != nil {
			t.Error("a fact is among the messages")
		}
		s.Ask("PATCH", path+"/"+id, fields{"content": fields{"text": "coffee"}}).Is(200)
		shown := s.Ask("GET", path+"/"+id, nil).Is(200)
		if shown.Text("content.text") != "coffee" || shown.At("metadata.m") != 2.0 || shown.Header.Get("ETag") != `"r1"` {
			t.Errorf("changed: %s %s", shown.Header.Get("ETag"), shown.Body)
		}
		s.Ask("PATCH", path+"/"+id, fields{"metadata": fields{}}, "If-Match", `"r0"`).Refused(412, problem.CodeStale)
		if gone := s.Ask("DELETE", path+"/"+id, nil).Is(200); gone.Text("message") != "Memory deleted successfully" {
			t.Errorf("deleted: %s", gone.Body)
		}
		s.Ask("DELETE", path+"/"+id, nil).Is(200)
		s.Ask("GET", path+"/"+id, nil).Refused(404, problem.CodeNotFound)
		s.Ask("PATCH", path+"/"+id, fields{"content": fields{"text": "x"}}).Refused(404, problem.CodeNotFound)
	}
}

func TestMemoriesOfStoppedAgentsCanBeReadAndThoseOfNobodyAreNone(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	s.Ask("POST", "/api/agents/"+agent+"/memories", fields{"text": "tea"}).Is(201)
	s.Ask("POST", "/api/agents/"+agent+"/stop", nil).Is(200)
	if listed := s.Ask("GET", "/api/memory/"+agent+"/memories", nil).Is(200); listed.Text("memories.0.content.text") != "tea" {
		t.Errorf("listed: %s", listed.Body)
	}
	for _, list := range []string{"/memories", "/rooms", "/rooms/" + ann + "/memories"} {
		s.Ask("GET", "/api/memory/"+unknown+list, nil).Is(200)
	}
	s.Ask("GET", "/api/memory/"+unknown+"/rooms/"+ann, nil).Refused(404, problem.CodeNotFound)
	s.Ask("POST", "/api/memory/"+unknown+"/memories", fields{"text": "x"}).Refused(404, problem.CodeNotFound)
	s.Ask("DELETE", "/api/memory/"+unknown+"/memories", nil).Refused(404, problem.CodeNotFound)
}

func TestMemoriesAreClearedByRoomAndByAgent(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	path := "/api/agents/" + agent
	room := s.Ask("POST", path+"/rooms", fields{"name": "Study"}).Is(201).Text("id")
	for _, in := range []fields{{"text": "a", "roomId": room}, {"text": "b", "roomId": room}, {"text": "c"}} {
		s.Ask("POST", path+"/memories", in).Is(201)
	}
	if listed := s.Ask("GET", path+"/rooms/"+room+"/memories?limit=1", nil).Is(200); listed.Text("memories.0.content.text") != "b" || listed.At("memories.1") != nil {
		t.Errorf("the newest of the room: %s", listed.Body)
	}
	s.Ask("DELETE", path+"/memories/all/"+room, nil).Is(204)
	if listed := s.Ask("GET", path+"/memories", nil).Is(200); listed.Text("memories.0.content.text") != "c" || listed.At("memories.1") != nil {
		t.Errorf("after the room was cleared: %s", listed.Body)
	}
	if cleared := s.Ask("DELETE", path+"/memories", nil).Is(200); cleared.At("deletedCount") != 1.0 {
		t.Errorf("cleared: %s", cleared.Body)
	}
	if listed := s.Ask("GET", path+"/memories", nil).Is(200); listed.At("memories.0") != nil {
		t.Errorf("after all was cleared: %s", listed.Body)
	}
}

func TestTheRoomForAChannelIsFoundByTheChannel(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	channel := s.Ask("POST", "/api/messaging/central-channels", fields{
		"name": "c", "server_id": "0", "participantCentralUserIds": []string{ann, agent},
	}).Is(201).Text("id")
	path := "/api/memory/" + agent
	made := s.Ask("POST", path+"/memories", fields{"text": "tea", "channelId": channel}).Is(201)
	room := made.Text("roomId")
	if want := events.UniqueUUID(mustID(t, agent), channel).String(); room != want {
		t.Fatalf("the room is %s, not %s", room, want)
	}
	for _, query := range []string{"roomId=" + room, "roomId=" + channel, "channelId=" + channel, "channelId=" + strings.ToUpper(channel)} {
		if listed := s.Ask("GET", path+"/memories?"+query, nil).Is(200); listed.Text("memories.0.id") != made.Text("id") {
			t.Errorf("%s lists %s", query, listed.Body)
		}
	}
	if shown := s.Ask("GET", path+"/rooms/"+channel, nil).Is(200); shown.Text("id") != room || shown.Text("channelId") != channel || shown.Text("worldName") != "Default Server" {
		t.Errorf("the room is %s", shown.Body)
	}
	s.Ask("DELETE", "/api/messaging/central-channels/"+channel, nil).Is(204)
	if listed := s.Ask("GET", path+"/memories", nil).Is(200); listed.At("memories.0") != nil {
		t.Errorf("after the channel was deleted: %s", listed.Body)
	}
	s.Ask("GET", path+"/rooms/"+room, nil).Refused(404, problem.CodeNotFound)
}

func TestWhatIsNoMemoryIsRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent, other := s.newAgent("Mnemosyne"), s.newAgent("Lethe")
	path := "/api/agents/" + agent
	s.Ask("POST", path+"/memories", fields{"text": "mine"}).Is(201) // the room of its own is there
	theirs := s.Ask("POST", "/api/agents/"+other+"/rooms", fields{"name": "Theirs"}).Is(201).Text("id")
	memory := s.Ask("POST", "/api/agents/"+other+"/memories", fields{"text": "theirs"}).Is(201).Text("id")
	s.untouched(func() {
		for _, c := range []struct {
			body   any
			status int
		}{
			{nil, 400},
			{fields{}, 400},
			{fields{"content": "text"}, 400},
			{fields{"content": []int{1}}, 400},
			{fields{"text": "a\x00b"}, 400},
			{fields{"text": "x", "embedding": []float64{1, 2, 3}}, 400},
			{fields{"text": "x", "embedding": "none"}, 400},
			{`{"text":"x","embedding":[NaN]}`, 400},
			{fields{"text": "x", "embedding": make([]float64, 384)}, 400},
			{fields{"text": "x", "embedding": append(make([]float64, 383), 1e300)}, 400},
			{fields{"text": "x", "roomId": "nope"}, 400},
			{fields{"text": "x", "channelId": "nope"}, 400},
			{fields{"text": "x", "entityId": 7}, 400},
			{fields{"text": "x", "roomId": theirs}, 404},
			{fields{"text": "x", "roomId": unknown}, 404},
			{fields{"text": "x", "channelId": unknown}, 404},
			{fields{"text": strings.Repeat("x", 1<<20)}, 413},
		} {
			if a := s.Ask("POST", path+"/memories", c.body); a.Status != c.status || !strings.Contains(string(a.Body), `"success":false`) {
				t.Errorf("%.60v is answered by %d %.200s", c.body, a.Status, a.Body)
			}
		}
		s.Ask("PATCH", path+"/memories/"+memory, fields{"content": fields{"text": "mine"}}).Refused(404, problem.CodeNotFound)
		s.Ask("DELETE", path+"/memories/"+memory, nil).Refused(404, problem.CodeNotFound)
		s.Ask("GET", path+"/memories/"+memory, nil).Refused(404, problem.CodeNotFound)
		s.Ask("DELETE", path+"/memories/all/"+theirs, nil).Refused(404, problem.CodeNotFound)
		s.Ask("PATCH", path+"/memories/"+memory, nil).Refused(400, problem.CodeInvalidRequest)
		for _, bad := range []string{"/api/agents/nope/memories", path + "/memories?roomId=nope", path + "/memories?channelId=nope", path + "/rooms/nope/memories"} {
			s.Ask("GET", bad, nil).Refused(400, problem.CodeInvalidID)
		}
		s.Ask("GET", path+"/memories?limit=-1", nil).Refused(400, problem.CodeInvalidRequest)
	})
}

func TestAVectorThatIsGivenIsShownOnRequest(t *testing.T) {
	t.Parallel()
	s := serve(t)
	path := "/api/agents/" + s.newAgent("Mnemosyne") + "/memories"
	vector := make([]float64, 384)
	vector[7] = 0.5
	s.Ask("POST", path, fields{"text": "tea", "embedding": vector}).Is(201)
	if listed := s.Ask("GET", path, nil).Is(200); listed.At("memories.0.embedding") != nil {
		t.Errorf("unasked: %.300s", listed.Body)
	}
	s.Eventually("the vector is shown", func() bool {
		return strings.Contains(string(s.Ask("GET", path+"?includeEmbedding=true", nil).Is(200).Body), `"embedding":[0,0,0,0,0,0,0,0.5,0`)
	})
}

func TestStatsAndInsightsTellOfMemories(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	path := "/api/agents/" + agent
	for _, text := range []string{"The green tea is hot", "tea with the milk", "a walk"} {
		s.Ask("POST", path+"/memories", fields{"text": text, "metadata": fields{"type": "message"}}).Is(201)
	}
	s.Ask("POST", path+"/memories", fields{"text": "tea", "tableName": "facts"}).Is(201)
	s.CaughtUp() // what is pending is read from the vectors, for which no POST waits
	stats := s.Ask("GET", "/api/memory/agents/"+agent+"/stats", nil).Is(200)
	if stats.At("total") != 4.0 || stats.Text("byTable.0.key") != "messages" || stats.At("byTable.0.count") != 3.0 || stats.At("byRoom.0.count") != 4.0 ||
		stats.At("byType.0.count") != 3.0 || stats.At("byDay.0.count") != 4.0 || stats.At("bytes").(float64) < 50 {
		t.Errorf("stats: %s", stats.Body)
	}
	if stats.At("embedded") != 0.0 || stats.At("pending") != 4.0 { // nothing embeds here
		t.Errorf("stats: %s", stats.Body)
	}
	vector := make([]float64, 384)
	vector[0] = 1
	s.Ask("POST", path+"/memories", fields{"text": "a client's", "embedding": vector}).Is(201)
	s.Ask("POST", path+"/memories", fields{"text": " \n"}).Is(201)
	s.Ask("POST", path+"/memories", fields{"content": fields{"n": 1}}).Is(201)
	s.CaughtUp()
	stats = s.Ask("GET", "/api/memory/agents/"+agent+"/stats", nil).Is(200)
	if stats.At("total") != 7.0 || stats.At("embedded") != 1.0 || stats.At("pending") != 4.0 {
		t.Errorf("stats: %s", stats.Body)
	}
	insights := s.Ask("GET", "/api/memory/agents/"+agent+"/insights", nil).Is(200)
	if insights.Text("terms.0.term") != "tea" || insights.At("terms.0.count") != 3.0 || insights.At("rooms.0.count") != 7.0 || insights.Text("entities.0.id") != agent ||
		insights.At("growth.0.total") != 7.0 || strings.Contains(string(insights.Body), `"the"`) {
		t.Errorf("insights: %s", insights.Body)
	}
	empty := s.Ask("GET", "/api/memory/agents/"+agent+"/stats?to=1000", nil).Is(200)
	if empty.At("total") != 0.0 || empty.At("oldest") != nil {
		t.Errorf("stats of no time: %s", empty.Body)
	}
	s.Ask("GET", "/api/memory/agents/"+agent+"/insights?from=2999-01-01T00:00:00Z", nil).Is(200)
}

func TestAMemoryTellsItsStoryAndIsShownAsItWas(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Ada")
	memories := "/api/agents/" + agent + "/memories"
	room := s.Ask("POST", "/api/agents/"+agent+"/rooms", map[string]any{"name": "study"}).Is(201).Text("id")
	memory := s.Ask("POST", memories, map[string]any{"content": map[string]any{"text": "tea at five"}, "roomId": room}).Is(201).Text("id")
	stored := s.now()
	s.Ask("PATCH", memories+"/"+memory, map[string]any{"content": map[string]any{"text": "tea at six"}}).Is(200)
	s.Ask("DELETE", memories, nil).Is(200)

	where := "/api/history/memories/" + memory
	var told struct {
		Events []struct{ Type string }
		State  any
	}
	s.Ask("GET", where, nil, "X-Annals-After", s.now()).Is(200).Data(&told)
	var types []string
	for _, e := range told.Events {
		types = append(types, e.Type)
	}
	if !slices.Equal(types, []string{"MemoryStored", "MemoryUpdated", "AgentMemoriesCleared"}) || told.State != nil {
		t.Errorf("the story is %v and ends with %v", types, told.State)
	}
	if text := s.Ask("GET", where+"?asOf="+stored, nil).Is(200).Text("state.content.text"); text != "tea at five" {
		t.Errorf("it was %q", text)
	}
	s.Ask("GET", "/api/history/memories/"+unknown, nil).Refused(404, problem.CodeNotFound)
}
