package httpapi

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
		made := s.ask("POST", path, fields{"content": fields{"text": "tea", "a": 1}, "tableName": "facts", "metadata": fields{"m": 2}, "entityId": ann}).is(201)
		id := made.text("id")
		if made.text("type") != "facts" || made.text("roomId") != agent || made.text("entityId") != ann || made.at("unique") != true {
			t.Errorf("stored: %s", made.body)
		}
		listed := s.ask("GET", path+"?tableName=facts", nil).is(200)
		if listed.text("memories.0.id") != id || listed.at("memories.0.content.a") != 1.0 || listed.at("memories.0.metadata.m") != 2.0 {
			t.Errorf("listed: %s", listed.body)
		}
		if s.ask("GET", path, nil).is(200).at("memories.0") != nil {
			t.Error("a fact is among the messages")
		}
		s.ask("PATCH", path+"/"+id, fields{"content": fields{"text": "coffee"}}).is(200)
		shown := s.ask("GET", path+"/"+id, nil).is(200)
		if shown.text("content.text") != "coffee" || shown.at("metadata.m") != 2.0 || shown.header.Get("ETag") != `"r1"` {
			t.Errorf("changed: %s %s", shown.header.Get("ETag"), shown.body)
		}
		s.ask("PATCH", path+"/"+id, fields{"metadata": fields{}}, "If-Match", `"r0"`).refused(412, problem.CodeStale)
		if gone := s.ask("DELETE", path+"/"+id, nil).is(200); gone.text("message") != "Memory deleted successfully" {
			t.Errorf("deleted: %s", gone.body)
		}
		s.ask("DELETE", path+"/"+id, nil).is(200)
		s.ask("GET", path+"/"+id, nil).refused(404, problem.CodeNotFound)
		s.ask("PATCH", path+"/"+id, fields{"content": fields{"text": "x"}}).refused(404, problem.CodeNotFound)
	}
}

func TestMemoriesOfStoppedAgentsCanBeReadAndThoseOfNobodyAreNone(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	s.ask("POST", "/api/agents/"+agent+"/memories", fields{"text": "tea"}).is(201)
	s.ask("POST", "/api/agents/"+agent+"/stop", nil).is(200)
	if listed := s.ask("GET", "/api/memory/"+agent+"/memories", nil).is(200); listed.text("memories.0.content.text") != "tea" {
		t.Errorf("listed: %s", listed.body)
	}
	for _, list := range []string{"/memories", "/rooms", "/rooms/" + ann + "/memories"} {
		s.ask("GET", "/api/memory/"+unknown+list, nil).is(200)
	}
	s.ask("GET", "/api/memory/"+unknown+"/rooms/"+ann, nil).refused(404, problem.CodeNotFound)
	s.ask("POST", "/api/memory/"+unknown+"/memories", fields{"text": "x"}).refused(404, problem.CodeNotFound)
	s.ask("DELETE", "/api/memory/"+unknown+"/memories", nil).refused(404, problem.CodeNotFound)
}

func TestMemoriesAreClearedByRoomAndByAgent(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	path := "/api/agents/" + agent
	room := s.ask("POST", path+"/rooms", fields{"name": "Study"}).is(201).text("id")
	for _, in := range []fields{{"text": "a", "roomId": room}, {"text": "b", "roomId": room}, {"text": "c"}} {
		s.ask("POST", path+"/memories", in).is(201)
	}
	if listed := s.ask("GET", path+"/rooms/"+room+"/memories?limit=1", nil).is(200); listed.text("memories.0.content.text") != "b" || listed.at("memories.1") != nil {
		t.Errorf("the newest of the room: %s", listed.body)
	}
	s.ask("DELETE", path+"/memories/all/"+room, nil).is(204)
	if listed := s.ask("GET", path+"/memories", nil).is(200); listed.text("memories.0.content.text") != "c" || listed.at("memories.1") != nil {
		t.Errorf("after the room was cleared: %s", listed.body)
	}
	if cleared := s.ask("DELETE", path+"/memories", nil).is(200); cleared.at("deletedCount") != 1.0 {
		t.Errorf("cleared: %s", cleared.body)
	}
	if listed := s.ask("GET", path+"/memories", nil).is(200); listed.at("memories.0") != nil {
		t.Errorf("after all was cleared: %s", listed.body)
	}
}

func TestTheRoomForAChannelIsFoundByTheChannel(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	channel := s.ask("POST", "/api/messaging/central-channels", fields{
		"name": "c", "server_id": "0", "participantCentralUserIds": []string{ann, agent},
	}).is(201).text("id")
	path := "/api/memory/" + agent
	made := s.ask("POST", path+"/memories", fields{"text": "tea", "channelId": channel}).is(201)
	room := made.text("roomId")
	if want := events.UniqueUUID(mustID(t, agent), channel).String(); room != want {
		t.Fatalf("the room is %s, not %s", room, want)
	}
	for _, query := range []string{"roomId=" + room, "roomId=" + channel, "channelId=" + channel, "channelId=" + strings.ToUpper(channel)} {
		if listed := s.ask("GET", path+"/memories?"+query, nil).is(200); listed.text("memories.0.id") != made.text("id") {
			t.Errorf("%s lists %s", query, listed.body)
		}
	}
	if shown := s.ask("GET", path+"/rooms/"+channel, nil).is(200); shown.text("id") != room || shown.text("channelId") != channel || shown.text("worldName") != "Default Server" {
		t.Errorf("the room is %s", shown.body)
	}
	s.ask("DELETE", "/api/messaging/central-channels/"+channel, nil).is(204)
	if listed := s.ask("GET", path+"/memories", nil).is(200); listed.at("memories.0") != nil {
		t.Errorf("after the channel was deleted: %s", listed.body)
	}
	s.ask("GET", path+"/rooms/"+room, nil).refused(404, problem.CodeNotFound)
}

func TestWhatIsNoMemoryIsRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent, other := s.newAgent("Mnemosyne"), s.newAgent("Lethe")
	path := "/api/agents/" + agent
	s.ask("POST", path+"/memories", fields{"text": "mine"}).is(201) // the room of its own is there
	theirs := s.ask("POST", "/api/agents/"+other+"/rooms", fields{"name": "Theirs"}).is(201).text("id")
	memory := s.ask("POST", "/api/agents/"+other+"/memories", fields{"text": "theirs"}).is(201).text("id")
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
			if a := s.ask("POST", path+"/memories", c.body); a.status != c.status || !strings.Contains(string(a.body), `"success":false`) {
				t.Errorf("%.60v is answered by %d %.200s", c.body, a.status, a.body)
			}
		}
		s.ask("PATCH", path+"/memories/"+memory, fields{"content": fields{"text": "mine"}}).refused(404, problem.CodeNotFound)
		s.ask("DELETE", path+"/memories/"+memory, nil).refused(404, problem.CodeNotFound)
		s.ask("GET", path+"/memories/"+memory, nil).refused(404, problem.CodeNotFound)
		s.ask("DELETE", path+"/memories/all/"+theirs, nil).refused(404, problem.CodeNotFound)
		s.ask("PATCH", path+"/memories/"+memory, nil).refused(400, problem.CodeInvalidRequest)
		for _, bad := range []string{"/api/agents/nope/memories", path + "/memories?roomId=nope", path + "/memories?channelId=nope", path + "/rooms/nope/memories"} {
			s.ask("GET", bad, nil).refused(400, problem.CodeInvalidID)
		}
		s.ask("GET", path+"/memories?limit=-1", nil).refused(400, problem.CodeInvalidRequest)
	})
}

func TestAVectorThatIsGivenIsShownOnRequest(t *testing.T) {
	t.Parallel()
	s := serve(t)
	path := "/api/agents/" + s.newAgent("Mnemosyne") + "/memories"
	vector := make([]float64, 384)
	vector[7] = 0.5
	s.ask("POST", path, fields{"text": "tea", "embedding": vector}).is(201)
	if listed := s.ask("GET", path, nil).is(200); listed.at("memories.0.embedding") != nil {
		t.Errorf("unasked: %.300s", listed.body)
	}
	s.eventually("the vector is shown", func() bool {
		return strings.Contains(string(s.ask("GET", path+"?includeEmbedding=true", nil).is(200).body), `"embedding":[0,0,0,0,0,0,0,0.5,0`)
	})
}

func TestStatsAndInsightsTellOfMemories(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	path := "/api/agents/" + agent
	for _, text := range []string{"The green tea is hot", "tea with the milk", "a walk"} {
		s.ask("POST", path+"/memories", fields{"text": text, "metadata": fields{"type": "message"}}).is(201)
	}
	s.ask("POST", path+"/memories", fields{"text": "tea", "tableName": "facts"}).is(201)
	s.caughtUp() // what is pending is read from the vectors, for which no POST waits
	stats := s.ask("GET", "/api/memory/agents/"+agent+"/stats", nil).is(200)
	if stats.at("total") != 4.0 || stats.text("byTable.0.key") != "messages" || stats.at("byTable.0.count") != 3.0 || stats.at("byRoom.0.count") != 4.0 ||
		stats.at("byType.0.count") != 3.0 || stats.at("byDay.0.count") != 4.0 || stats.at("bytes").(float64) < 50 {
		t.Errorf("stats: %s", stats.body)
	}
	if stats.at("embedded") != 0.0 || stats.at("pending") != 4.0 { // nothing embeds here
		t.Errorf("stats: %s", stats.body)
	}
	vector := make([]float64, 384)
	vector[0] = 1
	s.ask("POST", path+"/memories", fields{"text": "a client's", "embedding": vector}).is(201)
	s.ask("POST", path+"/memories", fields{"text": " \n"}).is(201)
	s.ask("POST", path+"/memories", fields{"content": fields{"n": 1}}).is(201)
	s.caughtUp()
	stats = s.ask("GET", "/api/memory/agents/"+agent+"/stats", nil).is(200)
	if stats.at("total") != 7.0 || stats.at("embedded") != 1.0 || stats.at("pending") != 4.0 {
		t.Errorf("stats: %s", stats.body)
	}
	insights := s.ask("GET", "/api/memory/agents/"+agent+"/insights", nil).is(200)
	if insights.text("terms.0.term") != "tea" || insights.at("terms.0.count") != 3.0 || insights.at("rooms.0.count") != 7.0 || insights.text("entities.0.id") != agent ||
		insights.at("growth.0.total") != 7.0 || strings.Contains(string(insights.body), `"the"`) {
		t.Errorf("insights: %s", insights.body)
	}
	empty := s.ask("GET", "/api/memory/agents/"+agent+"/stats?to=1000", nil).is(200)
	if empty.at("total") != 0.0 || empty.at("oldest") != nil {
		t.Errorf("stats of no time: %s", empty.body)
	}
	s.ask("GET", "/api/memory/agents/"+agent+"/insights?from=2999-01-01T00:00:00Z", nil).is(200)
}

func TestAMemoryTellsItsStoryAndIsShownAsItWas(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Ada")
	memories := "/api/agents/" + agent + "/memories"
	room := s.ask("POST", "/api/agents/"+agent+"/rooms", map[string]any{"name": "study"}).is(201).text("id")
	memory := s.ask("POST", memories, map[string]any{"content": map[string]any{"text": "tea at five"}, "roomId": room}).is(201).text("id")
	stored := s.now()
	s.ask("PATCH", memories+"/"+memory, map[string]any{"content": map[string]any{"text": "tea at six"}}).is(200)
	s.ask("DELETE", memories, nil).is(200)

	where := "/api/history/memories/" + memory
	var told struct {
		Events []struct{ Type string }
		State  any
	}
	s.ask("GET", where, nil, "X-Annals-After", s.now()).is(200).data(&told)
	var types []string
	for _, e := range told.Events {
		types = append(types, e.Type)
	}
	if !slices.Equal(types, []string{"MemoryStored", "MemoryUpdated", "AgentMemoriesCleared"}) || told.State != nil {
		t.Errorf("the story is %v and ends with %v", types, told.State)
	}
	if text := s.ask("GET", where+"?asOf="+stored, nil).is(200).text("state.content.text"); text != "tea at five" {
		t.Errorf("it was %q", text)
	}
	s.ask("GET", "/api/history/memories/"+unknown, nil).refused(404, problem.CodeNotFound)
}
