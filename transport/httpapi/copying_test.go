package httpapi_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"annals/events"
)

// recordsOf are the records of an export by their kinds.
func recordsOf(t *testing.T, export []byte) map[string][]map[string]any {
	t.Helper()
	all := map[string][]map[string]any{}
	for line := range strings.Lines(string(export)) {
		var l struct {
			Type string
			Data map[string]any
		}
		must(t, json.Unmarshal([]byte(line), &l))
		all[l.Type] = append(all[l.Type], l.Data)
	}
	return all
}

// acquainted is an agent with a room for a channel, one of its own, a person that it knows, a document with a fragment, and memories
// that name each other.
func (s *fixture) acquainted(name string) (agent string) {
	s.T.Helper()
	agent = s.newAgent(name)
	id := uuid.MustParse(agent)
	channel := uuid.New()
	channelRoom := events.UniqueUUID(id, channel.String())
	world, study, known := events.UniqueUUID(id, ann), uuid.New(), events.UniqueUUID(id, ann)
	first, second, document := uuid.New(), uuid.New(), uuid.New()
	file := []fields{
		{"type": "world", "data": fields{"id": world, "name": "Home", "serverId": ann, "metadata": fields{"roles": fields{known.String(): "OWNER"}}}},
		{"type": "entity", "data": fields{"id": known, "subjectId": ann, "names": []string{"Ann"}}},
		{"type": "room", "data": fields{"id": channelRoom, "channelId": channel, "worldId": world, "serverId": ann, "name": "Chat", "entities": []uuid.UUID{id, known}}},
		{"type": "room", "data": fields{"id": study, "worldId": world, "serverId": ann, "name": "Study"}},
		{"type": "memory", "data": fields{"id": first, "roomId": channelRoom, "entityId": known, "subjectId": ann, "createdAt": 1_700_000_000_000, "content": fields{"text": first.String()}}},
		{"type": "memory", "data": fields{"id": second, "roomId": study, "createdAt": 1_700_000_000_000, "content": fields{"text": "tea", "inReplyTo": first}, "metadata": fields{
			"sources": []uuid.UUID{first, uuid.MustParse(ann)}, "in": fields{channelRoom.String(): channel}, "by": agent,
		}}},
		{"type": "memory", "data": fields{"id": document, "tableName": "documents", "content": fields{"text": "leaves and stems"}}},
		{"type": "memory", "data": fields{"id": uuid.New(), "tableName": "knowledge", "documentId": document, "content": fields{"text": "leaves"}, "metadata": fields{"documentId": document}}},
	}
	var body strings.Builder
	for _, line := range file {
		body.WriteString(jsonText(line) + "\n")
	}
	if done := takeIn(s, agent, "format=ndjson", []byte(body.String())).Is(200); done.At("imported") != 8.0 || done.At("onConflict") != "skip" {
		s.T.Fatalf("imported: %s", done.Body)
	}
	return agent
}

func TestAnExportBecomesACopyWithIDsOfItsOwn(t *testing.T) {
	t.Parallel()
	s, other := serve(t), serve(t)
	from := s.acquainted("Mnemosyne")
	file := s.export(from, "format=ndjson")
	for _, at := range []*fixture{s, other} {
		to := uuid.NewString() // the file makes it
		dry := takeIn(at, to, "dryRun=true", file).Is(200)
		done := takeIn(at, to, "", file).Is(200)
		for _, what := range []string{"imported", "skipped", "failedCount", "failed", "onConflict"} {
			if jsonText(dry.At(what)) != jsonText(done.At(what)) {
				t.Errorf("%s would be %v, and is %v", what, dry.At(what), done.At(what))
			}
		}
		if done.At("failedCount") != 0.0 || done.At("onConflict") != "copy" {
			t.Errorf("imported: %s", done.Body)
		}
		at.untouched(func() {
			if again := takeIn(at, to, "", file).Is(200); again.At("imported") != 0.0 || again.At("skipped") != done.At("imported").(float64)+done.At("skipped").(float64) {
				t.Errorf("again: %s", again.Body)
			}
		})
		copied := at.export(to, "format=ndjson")
		if strings.Contains(strings.ReplaceAll(string(copied), `"text":"`, ""), from) {
			t.Errorf("the copy names the agent that it is a copy of: %s", copied)
		}
		isACopy(t, recordsOf(t, file), recordsOf(t, copied), from, to)
	}
	if jsonText(recordsOf(t, s.export(from, "format=ndjson"))["memory"]) != jsonText(recordsOf(t, file)["memory"]) {
		t.Error("what was copied has changed")
	}
}

// isACopy compares two exports record by record: all is as it was, but for the ids.
func isACopy(t *testing.T, from, to map[string][]map[string]any, agent, copied string) {
	t.Helper()
	ids := map[string]string{agent: copied}
	for _, kind := range []string{"world", "entity", "room", "memory"} {
		by := func(a, b map[string]any) int { return strings.Compare(labelled(a), labelled(b)) }
		slices.SortFunc(from[kind], by)
		slices.SortFunc(to[kind], by)
		if len(from[kind]) != len(to[kind]) {
			t.Fatalf("%d of the kind %s became %d", len(from[kind]), kind, len(to[kind]))
		}
		for i, was := range from[kind] {
			id, now := was["id"].(string), to[kind][i]["id"].(string)
			if id == now {
				t.Errorf("%s %s has the id of what it is a copy of", kind, id)
			}
			ids[id] = now
		}
	}
	var replace []string
	for was, now := range ids {
		replace = append(replace, was, now)
	}
	texts := strings.NewReplacer(replace...)
	for _, kind := range []string{"world", "entity", "room", "memory"} {
		for i, was := range from[kind] {
			content, _ := was["content"].(map[string]any)
			if content != nil {
				delete(content, "text")
				delete(to[kind][i]["content"].(map[string]any), "text")
			}
			if want, got := texts.Replace(jsonText(was)), jsonText(to[kind][i]); got != want {
				t.Errorf("%s became\n%s, and not\n%s", jsonText(was), got, want)
			}
		}
	}
}

// labelled is what tells records of one kind apart, whatever their ids are.
func labelled(record map[string]any) string {
	content, _ := record["content"].(map[string]any)
	return fmt.Sprint(record["name"], record["names"], content["text"], record["type"])
}

func TestRoomsForChannelsAndWhoIsKnownAreThoseOfTheAgentThatGetsTheCopy(t *testing.T) {
	t.Parallel()
	s := serve(t)
	from, to := s.acquainted("Mnemosyne"), s.newAgent("Lethe")
	takeIn(s, to, "", s.export(from, "format=json")).Is(200)
	id := uuid.MustParse(to)
	copied := recordsOf(t, s.export(to, "format=ndjson"))
	var rooms, entities []string
	for _, r := range copied["room"] {
		if channel, is := r["channelId"].(string); is {
			rooms = append(rooms, channel, r["id"].(string))
		}
	}
	for _, n := range copied["entity"] {
		entities = append(entities, n["id"].(string))
	}
	if len(rooms) != 2 || rooms[1] != events.UniqueUUID(id, rooms[0]).String() {
		t.Errorf("the room for the channel is %v", rooms)
	}
	if !slices.Contains(entities, events.UniqueUUID(id, ann).String()) {
		t.Errorf("known are %v", entities)
	}
	found := s.Ask("GET", "/api/agents/"+to+"/memories?channelId="+rooms[0], nil).Is(200)
	if len(found.At("memories").([]any)) != 1 {
		t.Errorf("of the channel: %s", found.Body)
	}
}

func TestAnImportIntoTheSameAgentCopiesOrReplacesWhereItIsAskedTo(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.acquainted("Mnemosyne")
	path := "/api/agents/" + agent + "/memories"
	file := s.export(agent, "format=ndjson&includeEmbedding=true")
	id := recordsOf(t, file)["memory"][1]["id"].(string)
	s.Ask("PATCH", path+"/"+id, fields{"content": fields{"text": "changed"}}).Is(200)
	s.untouched(func() {
		if kept := takeIn(s, agent, "", file).Is(200); kept.At("imported") != 0.0 || kept.At("onConflict") != "skip" {
			t.Errorf("skipped: %s", kept.Body)
		}
	})
	dry := takeIn(s, agent, "onConflict=replace&dryRun=true", file).Is(200)
	done := takeIn(s, agent, "onConflict=replace", file).Is(200)
	if dry.At("imported") != 1.0 || done.At("imported") != 1.0 || done.At("failedCount") != 0.0 || done.At("skipped") != dry.At("skipped") {
		t.Errorf("would be replaced: %s, replaced: %s", dry.Body, done.Body)
	}
	if shown := s.Ask("GET", path+"/"+id, nil).Is(200); shown.Text("content.text") == "changed" {
		t.Errorf("replaced: %s", shown.Body)
	}
	s.untouched(func() { takeIn(s, agent, "onConflict=replace", file).Is(200) })
	before := len(recordsOf(t, file)["memory"])
	copied := takeIn(s, agent, "onConflict=copy", file).Is(200)
	if copied.At("failedCount") != 0.0 || copied.At("imported").(float64) < float64(before) {
		t.Errorf("copied: %s", copied.Body)
	}
	if n := len(recordsOf(t, s.export(agent, "format=ndjson"))["memory"]); n != 2*before {
		t.Errorf("%d memories became %d", before, n)
	}
	s.untouched(func() { takeIn(s, agent, "onConflict=copy", file).Is(200) })
}

func TestAReplacedMemoryMovesAndAForeignOneStays(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent, other := s.newAgent("Mnemosyne"), s.newAgent("Lethe")
	path := "/api/agents/" + agent
	room := s.Ask("POST", path+"/rooms", fields{"name": "Study"}).Is(201).Text("id")
	mine := s.Ask("POST", path+"/memories", fields{"text": "tea"}).Is(201).Text("id")
	foreign := s.Ask("POST", "/api/agents/"+other+"/memories", fields{"text": "coffee"}).Is(201).Text("id")
	done := takeIn(s, agent, "onConflict=replace", []byte(jsonText(fields{"memories": []fields{
		{"id": mine, "roomId": room, "tableName": "facts", "content": fields{"text": "green tea"}, "createdAt": 1_700_000_000_000},
		{"id": foreign, "content": fields{"text": "stolen"}},
		{"id": mine, "roomId": unknown, "content": fields{"text": "nowhere"}},
	}}))).Is(200)
	if done.At("imported") != 1.0 || done.At("failedCount") != 2.0 {
		t.Errorf("replaced: %s", done.Body)
	}
	shown := s.Ask("GET", path+"/memories/"+mine, nil).Is(200)
	if shown.Text("roomId") != room || shown.Text("type") != "facts" || shown.Text("content.text") != "green tea" || shown.At("createdAt") != 1_700_000_000_000.0 {
		t.Errorf("replaced: %s", shown.Body)
	}
	if kept := s.Ask("GET", "/api/agents/"+other+"/memories/"+foreign, nil).Is(200); kept.Text("content.text") != "coffee" {
		t.Errorf("another agent's: %s", kept.Body)
	}
}

func TestTwoImportsOfAFileAtOnceTakeEachRecordInOnce(t *testing.T) {
	t.Parallel()
	s := serve(t)
	from, to := s.furnished("Mnemosyne"), s.newAgent("Lethe")
	file := s.export(from, "format=ndjson")
	before := s.Head()
	var answers [2]answered
	var both sync.WaitGroup
	for n := range answers {
		both.Go(func() { answers[n] = takeIn(s, to, "", file) })
	}
	both.Wait()
	imported := 0.0
	for _, a := range answers {
		if a.Is(200).At("failedCount") != 0.0 {
			t.Errorf("imported: %s", a.Body)
		}
		imported += a.At("imported").(float64)
	}
	all := recordsOf(t, file)
	if n := len(recordsOf(t, s.export(to, "format=ndjson"))["memory"]); n != len(all["memory"]) {
		t.Errorf("%d memories became %d", len(all["memory"]), n)
	}
	streams := map[events.StreamID][]string{}
	for e, err := range s.Env.Store.ReadAll(t.Context(), before, events.Forwards, events.Filter{}) {
		must(t, err)
		streams[e.Stream] = append(streams[e.Stream], e.Event.EventType())
	}
	for id, all := range streams {
		if len(all) > 1 {
			t.Errorf("%s has %v", id, all)
		}
	}
	if most := float64(len(all["memory"]) + len(all["room"]) + len(all["entity"]) + len(all["world"])); imported > most || imported < float64(len(all["memory"])) {
		t.Errorf("%v of %v were imported", imported, most)
	}
}

func TestAnImportIntoADeletedAgentMakesItAnewOrSaysThatItIsNotThere(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.furnished("Mnemosyne")
	file := s.export(agent, "format=ndjson")
	s.Ask("DELETE", "/api/agents/"+agent, nil).Is(204)
	s.untouched(func() {
		bare := takeIn(s, agent, "format=ndjson", []byte(`{"type":"memory","data":{"content":{"text":"tea"}}}`)).Is(200)
		if bare.At("imported") != 0.0 || !strings.Contains(bare.Text("failed.0.reason"), "not found") {
			t.Errorf("without a character: %s", bare.Body)
		}
	})
	takeIn(s, agent, "", file).Is(200)
	if n := len(recordsOf(t, s.export(agent, "format=ndjson"))["memory"]); n != 22 {
		t.Errorf("%d memories are there", n)
	}
}

// Every event names as its cause an earlier one, or its own request.
func TestAnImportIsCausedByItself(t *testing.T) {
	t.Parallel()
	s := serve(t)
	from, to := s.furnished("Mnemosyne"), s.newAgent("Lethe")
	file := s.export(from, "includeEmbedding=true&format=ndjson")
	before := s.Head()
	for _, query := range []string{"", "onConflict=copy", "onConflict=replace"} {
		takeIn(s, to, query, file, "X-Correlation-Id", uuid.NewString()).Is(200)
	}
	known, n := map[uuid.UUID]bool{}, 0
	for e, err := range s.Env.Store.ReadAll(t.Context(), before, events.Forwards, events.Filter{}) {
		must(t, err)
		if cause := e.Meta.Causation; !known[cause] && cause != e.Meta.Request {
			t.Errorf("%s at position %d names %s as its cause, and is of request %s", e.Event.EventType(), e.Position, cause, e.Meta.Request)
		}
		known[e.ID] = true
		n++
	}
	if n < 25 {
		t.Errorf("only %d events", n)
	}
}
