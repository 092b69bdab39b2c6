package httpapi_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"annals/transport/problem"
)

// listedMemories has an agent remember things of two days, tables and entities, in a room of a world.
func listedMemories(s *fixture) (agent, room, world string) {
	s.T.Helper()
	agent = s.newAgent("Mnemosyne")
	made := s.Ask("POST", "/api/memory/groups", fields{"serverId": unknown, "agentIds": []string{agent}, "name": "Group"}).Is(201)
	world = made.Text("0.worldId")
	room = made.Text("0.id")
	day := func(d int) int64 { return time.Date(2026, 11, d, 12, 0, 0, 0, time.UTC).UnixMilli() }
	memories := []fields{
		{"createdAt": day(29), "content": fields{"text": "a"}, "metadata": fields{"topic": "tea", "n": 1, "done": true, "source": fields{"kind": "mail", "a.b": "x"}}},
		{"createdAt": day(30), "content": fields{"text": "b"}, "metadata": fields{"topic": "coffee", "tags": []any{"hot", "black", 7}, "o'clock": "five", "$1": "%d"}},
		{"createdAt": day(30), "content": fields{"text": "c"}, "entityId": ann, "metadata": fields{"topic": "tea", "tags": "hot"}},
		{"createdAt": day(30), "content": fields{"text": "d"}, "tableName": "facts", "metadata": fields{"topic": "tea"}},
		{"createdAt": day(30), "content": fields{"text": "e"}},
	}
	for _, m := range memories {
		m["roomId"] = room
	}
	if done := takeIn(s, agent, "", []byte(jsonText(fields{"memories": memories}))).Is(200); done.At("imported") != 5.0 {
		s.T.Fatalf("imported: %s", done.Body)
	}
	return agent, room, world
}

func texts(a answered) string {
	var all strings.Builder
	for _, m := range a.At("memories").([]any) {
		all.WriteString(m.(map[string]any)["content"].(map[string]any)["text"].(string))
	}
	return all.String()
}

func TestMemoriesAreListedByWhatTheyAreAbout(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent, room, world := listedMemories(s)
	for _, list := range []string{"/api/agents/" + agent + "/memories", "/api/memory/agents/" + agent + "/rooms/" + room + "/memories", "/api/memory/groups/" + world + "/memories"} {
		for query, want := range map[string]string{
			"": "ecba", "type=facts": "d", "tableName=facts": "d", "type=facts&tableName=facts": "d", "type=nothing": "",
			"entityId=" + ann: "c", "entityId=" + strings.ToUpper(ann): "c", "entityId=" + unknown: "",
			"from=2026-11-30": "ecb", "to=2026-11-29": "a", "from=2026-11-29&to=2026-11-30": "ecba", "from=2026-11-30&to=2026-11-30": "ecb",
			"from=2026-11-30T12:00:00Z": "ecb", "from=2026-11-30T12:00:00.001Z": "", "to=2026-11-30T11:59:59.999Z": "a",
			"metadata.topic=tea": "ca", "metadata.topic=tea&type=facts": "d", "metadata.topic=tea&entityId=" + ann: "c", "metadata.topic=tee": "",
			"metadata.n=1": "a", "metadata.done=true": "a", "metadata.source.kind=mail": "a", "metadata.source.a.b=x": "", "metadata.source=mail": "",
			"metadata.tags=hot": "cb", "metadata.tags=7": "b", "metadata.tags=hot&metadata.tags=black": "b", "metadata.tags.0=hot": "b",
			"metadata." + url.QueryEscape("o'clock") + "=five": "b", "metadata." + url.QueryEscape("$1") + "=" + url.QueryEscape("%d"): "b",
			"metadata.topic=": "", "metadata.missing=null": "",
		} {
			got := s.Ask("GET", list+"?"+query, nil).Is(200)
			if texts(got) != want {
				t.Errorf("%s?%s: %q, not %q", list, query, texts(got), want)
			}
			if total := got.Header.Get("X-Total-Count"); want != "" && total != fmt.Sprint(len(want)) {
				t.Errorf("%s?%s: %s in all, not %d", list, query, total, len(want))
			}
		}
		for _, query := range []string{
			"metadata.=x", "metadata..a=x", "metadata.a.=x", "metadata=x", "type=a&tableName=b", "entityId=nobody", "from=yesterday", "to=20261130", "from=2026-13-01",
			strings.Repeat("metadata.a=x&", 9),
		} {
			if a := s.Ask("GET", list+"?"+query, nil); a.Status != 400 {
				t.Errorf("%s?%s: %d %s", list, query, a.Status, a.Body)
			}
		}
	}
}

func TestPagesOfMemoriesOfOneMillisecondLoseNothingAndTellHowManyThereAre(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent, room, world := listedMemories(s)
	const n = 40
	var file strings.Builder
	for i := range n {
		file.WriteString(jsonText(fields{"type": "memory", "data": fields{
			"roomId": room, "tableName": "facts", "createdAt": 1_700_000_000_000 + i/25, "content": fields{"text": fmt.Sprint("fact ", i)}, "metadata": fields{"many": true},
		}}) + "\n")
	}
	takeIn(s, agent, "format=ndjson", []byte(file.String())).Is(200)
	for _, list := range []string{"/api/agents/" + agent + "/memories", "/api/memory/agents/" + agent + "/rooms/" + room + "/memories", "/api/memory/groups/" + world + "/memories"} {
		for _, cursor := range []string{"id", "createdAt"} {
			seen, before := map[string]bool{}, ""
			for pages := 0; ; pages++ {
				got := s.Ask("GET", list+"?limit=7&metadata.many=true&type=facts"+before, nil).Is(200)
				all := got.At("memories").([]any)
				if total := got.Header.Get("X-Total-Count"); total != fmt.Sprint(n) && len(all) > 0 {
					t.Errorf("%s: %s of %d in all", list, total, n)
				}
				fresh := 0
				for _, m := range all {
					if id := m.(map[string]any)["id"].(string); !seen[id] {
						seen[id] = true
						fresh++
					}
				}
				if fresh == 0 || pages > n {
					break
				}
				before = fmt.Sprintf("&before=%v", all[len(all)-1].(map[string]any)[cursor])
				if cursor == "createdAt" {
					before = fmt.Sprintf("&before=%d", int64(all[len(all)-1].(map[string]any)[cursor].(float64)))
				}
			}
			if len(seen) != n {
				t.Errorf("%s by %s: %d of %d were seen", list, cursor, len(seen), n)
			}
		}
	}
	s.Ask("GET", "/api/agents/"+agent+"/memories?before="+unknown, nil).Refused(404, problem.CodeNotFound)
}
