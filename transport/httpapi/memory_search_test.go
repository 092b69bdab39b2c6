package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"
	"testing"

	"annals/commands"
	"annals/events"
	"annals/transport/httpapi"
	"annals/transport/httpapi/frame"
	"annals/transport/httpapi/httpapitest"
	"annals/transport/models/hashing"
	"annals/transport/problem"
)

// remember stores a memory with its vector, and gives its id and a position from which on it is found.
func (s *fixture) remember(agent string, memory fields) (id, position string) {
	s.T.Helper()
	id = s.Ask("POST", "/api/agents/"+agent+"/memories", memory).Is(201).Text("id")
	words := memory["text"].(string)
	must(s.T, httpapitest.Do(s.Env, commands.EmbedMemory{MemoryID: mustID(s.T, id), Model: hashing.Model, Text: words, Vector: hashing.Vector(words)}))
	return id, s.token()
}

// token is the position of the last event, as clients get it.
func (s *fixture) token() string {
	return events.Token{Log: s.Options.Frame.Log, Position: s.Head()}.String()
}

func (s *fixture) found(agent, after, query string) answered {
	s.T.Helper()
	reached, err := events.ParseToken(after)
	must(s.T, err)
	s.Readable(reached.Position, frame.Core, frame.Memories, frame.Vectors) // a request waits for less
	return s.Ask("GET", "/api/memory/agents/"+agent+"/memories/search?"+query, nil, "X-Annals-After", after).Is(200)
}

func TestMemoriesAreFoundByMeaningAndByWordsTheBestFirst(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	tea, _ := s.remember(agent, fields{"text": "The green tea is in the kitchen.", "tableName": "facts", "metadata": fields{"m": 2}})
	s.remember(agent, fields{"text": "A walk to the old harbour.", "tableName": "facts"})
	_, after := s.remember(s.newAgent("Lethe"), fields{"text": "The green tea of somebody else."})
	for mode, query := range map[string]string{"hybrid": "", "semantic": "&mode=semantic", "text": "&mode=text"} {
		got := s.found(agent, after, "q=green+teas"+query)
		if got.Text("memories.0.id") != tea || got.Text("memories.0.content.text") != "The green tea is in the kitchen." || got.Text("memories.0.type") != "facts" ||
			got.At("memories.0.metadata.m") != 2.0 || got.At("memories.0.score").(float64) <= 0 || got.Text("mode") != mode {
			t.Errorf("%s: %s", mode, got.Body)
		}
		if strings.Contains(string(got.Body), "somebody else") || got.At("memories.0.embedding") != nil {
			t.Errorf("%s: %s", mode, got.Body)
		}
		if similarity := got.At("memories.0.similarity"); (similarity == nil) != (mode == "text") {
			t.Errorf("%s: similar by %v", mode, similarity)
		}
		if mode == "text" {
			if strings.Contains(string(got.Body), `"model"`) {
				t.Errorf("words alone: %s", got.Body)
			}
		} else if got.Text("model") != hashing.Model || got.At("dimensions") != 384.0 {
			t.Errorf("%s: %s", mode, got.Body)
		}
	}
	if got := s.found(agent, after, "query=green+tea&limit=1&includeEmbedding=true"); got.At("memories.1") != nil || len(got.At("memories.0.embedding").([]any)) != 384 {
		t.Errorf("one with its vector: %.300s", got.Body)
	}
	if got := s.found(agent, after, "q=green+tea&mode=semantic&threshold=0.5"); got.Text("memories.0.id") != tea || got.At("memories.1") != nil {
		t.Errorf("above the threshold: %s", got.Body)
	}
	for _, query := range []string{"q=nothing&mode=text", "q=xyzzy+plugh&threshold=0.5"} {
		if got := s.found(agent, after, query); !strings.Contains(string(got.Body), `"memories":[]`) {
			t.Errorf("%s: %s", query, got.Body)
		}
	}
	if got := s.found(agent, after, "q=xyzzy+plugh"); got.At("memories.0") == nil || got.At("memories.1") != nil {
		t.Errorf("words find nothing, so the nearest is found: %s", got.Body)
	}
	if got := s.found(agent, after, "q=xyzzy+plugh&threshold=-1"); got.At("memories.1") == nil {
		t.Errorf("whatever is nearest: %s", got.Body)
	}
	s.Ask("POST", "/api/agents/"+agent+"/start", nil).Is(200)
	s.Ask("POST", "/api/agents/"+agent+"/stop", nil).Is(200)
	if got := s.found(agent, after, "q=green+tea"); got.Text("memories.0.id") != tea {
		t.Errorf("of a stopped agent: %s", got.Body)
	}
}

// Whatever else is nearer, as many as are asked for are found of those that a filter lets through.
func TestAFilterNeverThinsWhatIsFound(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	channel := s.Ask("POST", "/api/messaging/central-channels", fields{
		"name": "c", "server_id": "0", "participantCentralUserIds": []string{ann, agent},
	}).Is(201).Text("id")
	for i := range 40 {
		s.remember(agent, fields{"text": fmt.Sprintf("green tea %d", i), "tableName": "facts"})
	}
	wanted := map[string]bool{}
	var room, first, after string
	for i := range 3 {
		id, p := s.remember(agent, fields{"text": fmt.Sprintf("tea number %d of a long list of other things", i), "channelId": channel, "entityId": ann})
		wanted[id], after = true, p
		shown := s.Ask("GET", "/api/agents/"+agent+"/memories/"+id, nil).Is(200)
		if room = shown.Text("roomId"); first == "" {
			first = fmt.Sprintf("%.0f", shown.At("createdAt"))
		}
	}
	for _, filter := range []string{"roomId=" + room, "roomId=" + channel, "channelId=" + channel, "entityId=" + ann, "tableName=messages", "from=" + first} {
		for _, mode := range []string{"hybrid", "semantic", "text"} {
			got := s.found(agent, after, "q=green+tea&limit=3&mode="+mode+"&"+filter)
			for i := range 3 {
				if id := got.Text(fmt.Sprintf("memories.%d.id", i)); !wanted[id] {
					t.Errorf("%s, %s: %s", mode, filter, got.Body)
				}
			}
		}
	}
	if got := s.found(agent, after, "q=green+tea&limit=100&to="+first); len(got.At("memories").([]any)) < 40 {
		t.Errorf("until then: %s", got.Body)
	}
}

// embedding answers as a test says.
type embedding func() ([][]float32, error)

func (embedding) Model() string   { return "m" }
func (embedding) Dimensions() int { return 0 }

func (e embedding) Embed(context.Context, []string) ([][]float32, error) { return e() }

func TestWithoutAModelTheWordsAreSearched(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]embedding{
		"away": func() ([][]float32, error) { return nil, errors.New("away") },
		"mute": func() ([][]float32, error) { return nil, nil },
		"odd":  func() ([][]float32, error) { return [][]float32{{1, 2, 3}}, nil },
		"not finite": func() ([][]float32, error) {
			return [][]float32{append(make([]float32, 383), float32(math.NaN()))}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(o *httpapi.Options) { o.Memory.Embedder = httpapitest.Asking{Embedder: answer} })
			agent := s.newAgent("Mnemosyne")
			tea, after := s.remember(agent, fields{"text": "secret green tea"})
			for _, mode := range []string{"text", "hybrid"} {
				if got := s.found(agent, after, "q=tea&mode="+mode); got.Text("memories.0.id") != tea || got.Text("mode") != "text" {
					t.Errorf("%s: %s", mode, got.Body)
				}
			}
			got := s.Ask("GET", "/api/memory/agents/"+agent+"/memories/search?mode=semantic&q=secret", nil).Refused(503, problem.CodeUnavailable)
			if got.Header.Get("Retry-After") == "" {
				t.Error("without Retry-After")
			}
			if strings.Contains(s.Logs.String(), "q=secret") {
				t.Error("what was searched for is in the log")
			}
		})
	}
}

func TestASearchForMemoriesThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	path := "/api/memory/agents/" + agent + "/memories/search?"
	s.untouched(func() {
		for query, code := range map[string]string{
			"":                                       problem.CodeInvalidRequest,
			"q=":                                     problem.CodeInvalidRequest,
			"q=%20":                                  problem.CodeInvalidRequest,
			"q=" + strings.Repeat("x", 8<<10+1):      problem.CodeInvalidRequest,
			"q=x&mode=psychic":                       problem.CodeInvalidRequest,
			"q=x&limit=-1":                           problem.CodeInvalidRequest,
			"q=x&limit=many":                         problem.CodeInvalidRequest,
			"q=x&threshold=high":                     problem.CodeInvalidRequest,
			"q=x&threshold=NaN":                      problem.CodeInvalidRequest,
			"q=x&from=once":                          problem.CodeInvalidRequest,
			"q=x&roomId=nope":                        problem.CodeInvalidID,
			"q=x&channelId=nope":                     problem.CodeInvalidID,
			"q=x&entityId=nope":                      problem.CodeInvalidID,
			"q=" + url.QueryEscape("a\x00b") + "&to": problem.CodeInvalidRequest,
		} {
			s.Ask("GET", path+query, nil).Refused(400, code)
		}
		s.Ask("GET", path+"q="+strings.Repeat("x", 1<<20), nil).Refused(414, problem.CodeInvalidRequest)
		s.Ask("GET", path+"q=x", nil, "X-Long", strings.Repeat("x", 1<<20)).Refused(431, problem.CodeInvalidRequest)
		s.Ask("GET", "/api/memory/agents/nope/memories/search?q=x", nil).Refused(400, problem.CodeInvalidID)
		s.Ask("GET", "/api/memory/agents/"+unknown+"/memories/search?q=x", nil).Refused(404, problem.CodeNotFound)
	})
	if got := s.Ask("GET", path+"q=x&limit=0", nil).Is(200); !strings.Contains(string(got.Body), `"memories":[]`) {
		t.Errorf("none: %s", got.Body)
	}
}
