package httpapi_test

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"annals/transport/httpapi"
	"annals/transport/problem"
	"annals/transport/secrets"
)

// export gives what an agent's export says, without what differs from one export to the next.
func (s *fixture) export(agent, query string) []byte {
	s.T.Helper()
	return s.Ask("GET", "/api/memory/agents/"+agent+"/export?"+query, nil).Is(200).Body
}

// furnished is an agent with a room, documents and memories.
func (s *fixture) furnished(name string) (agent string) {
	s.T.Helper()
	agent = s.newAgent(name)
	path := "/api/agents/" + agent
	room := s.Ask("POST", path+"/rooms", fields{"name": "Study", "metadata": fields{"a": 1}}).Is(201).Text("id")
	vector := make([]float64, 384)
	vector[1] = 1
	s.Ask("POST", path+"/memories", fields{"text": "tea ☕", "roomId": room, "embedding": vector}).Is(201)
	for n := range 20 { // some of the same time
		s.Ask("POST", path+"/memories", fields{"text": fmt.Sprint("leaf ", n)}).Is(201)
	}
	s.Ask("POST", path+"/memories", fields{"content": fields{"text": "green", "n": 12345678901234567}, "tableName": "facts", "metadata": fields{"m": nil}}).Is(201)
	return agent
}

func takeIn(s *fixture, agent, query string, content []byte, headers ...string) answered {
	s.T.Helper()
	return s.Ask("POST", "/api/memory/agents/"+agent+"/import?"+query, string(content), headers...)
}

func TestARoundTripGivesTheSameAgentInEitherFormat(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "ndjson"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			agent := s.furnished("Mnemosyne")
			s.Eventually("the vector is known", func() bool { return bytes.Contains(s.export(agent, "includeEmbedding=true"), []byte(`"embedding"`)) })
			before := s.export(agent, "includeEmbedding=true&format="+format)
			s.untouched(func() {
				again := takeIn(s, agent, "", before).Is(200)
				if again.At("imported") != 0.0 || again.At("failedCount") != 0.0 {
					t.Errorf("imported again: %s", again.Body)
				}
			})
			s.Ask("DELETE", "/api/agents/"+agent, nil).Is(204)
			dry := takeIn(s, agent, "dryRun=true", before).Is(200)
			if dry.At("imported").(float64) < 6 || dry.At("failedCount") != 0.0 || s.Ask("GET", "/api/agents/"+agent, nil).Status != 404 {
				t.Errorf("dry run: %s", dry.Body)
			}
			done := takeIn(s, agent, "", before).Is(200)
			if done.At("failedCount") != 0.0 || done.At("imported") != dry.At("imported") {
				t.Errorf("imported: %s", done.Body)
			}
			s.Eventually("the same is exported", func() bool {
				return settled(before) == settled(s.export(agent, "includeEmbedding=true&format="+format))
			})
		})
	}
}

// settled leaves out when it was exported, and the checksum over it: memories are listed by their time, in whatever order
// those of different times were stored.
func settled(export []byte) string {
	when := regexp.MustCompile(`"exportedAt":"[^"]*"|"checksum":"[^"]*"`)
	lines := strings.Split(when.ReplaceAllString(string(export), ""), "\n")
	for i, l := range lines { // of a document
		lines[i] = strings.TrimRight(strings.TrimPrefix(l, `"memories":[`), ",]")
	}
	of := regexp.MustCompile(`"createdAt":\d+`)
	slices.SortStableFunc(lines, func(a, b string) int { return cmp.Compare(of.FindString(a), of.FindString(b)) })
	return strings.Join(lines, "\n")
}

func TestSecretsAreExportedOnlyToWhoShowsAKey(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *httpapi.Options) { o.Frame.Key = "k" })
	agent := s.Ask("POST", "/api/agents", fields{"characterJson": fields{"name": "A", "bio": "b", "settings": fields{"secrets": fields{"TOKEN": "plain"}}}}, "X-API-KEY", "k").Is(201).Text("id")
	path := "/api/memory/agents/" + agent + "/export"
	if plain := s.Ask("GET", path, nil, "X-API-KEY", "k").Is(200); bytes.Contains(plain.Body, []byte("TOKEN")) {
		t.Errorf("exported: %s", plain.Body)
	}
	s.Ask("GET", path+"?includeSecrets=true", nil, "X-API-KEY", "k").Refused(400, problem.CodeInvalidRequest)
	const passphrase = "X-Annals-Passphrase"
	with := s.Ask("GET", path+"?includeSecrets=true", nil, "X-API-KEY", "k", passphrase, "correct horse").Is(200)
	sealed := with.Text("character.settings.secrets.TOKEN")
	if sealed == "" || strings.Contains(string(with.Body), "plain") || secrets.IsEncrypted(sealed) {
		t.Errorf("exported: %s", with.Body)
	}

	there := secrets.New("another salt")
	other := serve(t, func(o *httpapi.Options) { o.Secrets = there })
	into := "/api/memory/agents/" + agent + "/import"
	for _, headers := range [][]string{nil, {passphrase, "another horse"}} {
		refused := other.Ask("POST", into, string(with.Body), headers...)
		if !strings.Contains(string(refused.Body), "passphrase") {
			t.Errorf("with %v: %s", headers, refused.Body)
		}
		other.Ask("GET", "/api/agents/"+agent, nil).Is(404)
	}
	other.Ask("POST", into, string(with.Body), passphrase, "correct horse").Is(200)
	if got := other.Ask("GET", "/api/agents/"+agent, nil).Is(200).Text("settings.secrets.TOKEN"); there.Decrypt(got) != "plain" {
		t.Errorf("imported: %s", got)
	}
	open := serve(t)
	open.Ask("GET", "/api/memory/agents/"+open.newAgent("A")+"/export?includeSecrets=true", nil).Refused(403, problem.CodeForbidden)
	open.Ask("GET", "/api/memory/agents/"+unknown+"/export", nil).Refused(404, problem.CodeNotFound)
}

func TestAnExportThatCannotBeReadIsRefusedInTheEnvelope(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.furnished("Mnemosyne")
	s.Pool.Close()
	for _, format := range []string{"json", "ndjson"} {
		s.Ask("GET", "/api/memory/agents/"+agent+"/export?format="+format, nil).Refused(503, problem.CodeDatabase)
	}
}

func TestLinesWithoutARecordAreRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.furnished("Mnemosyne")
	s.untouched(func() {
		for _, lines := range []string{"\n\n", "no\nrecords\n", `{"a":1}` + "\n"} {
			refused := takeIn(s, agent, "format=ndjson", []byte(lines)).Refused(http.StatusBadRequest, problem.CodeInvalidRequest)
			if !strings.Contains(refused.Field("error.message").(string), "no record") {
				t.Errorf("%q: %s", lines, refused.Body)
			}
		}
	})
}

func TestHalfAFileLeavesWhatWasReadAndSaysWhereItStopped(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.furnished("Mnemosyne")
	for _, format := range []string{"json", "ndjson"} {
		whole := s.export(agent, "format="+format)
		cut := whole[:bytes.Index(whole, []byte("green"))]
		s.Ask("DELETE", "/api/agents/"+agent, nil).Is(204)
		stopped := takeIn(s, agent, "", cut).Refused(http.StatusBadRequest, problem.CodeInvalidRequest)
		if stopped.Field("error.details.stopped.line").(float64) < 5 || stopped.Field("error.details.imported").(float64) < 5 {
			t.Errorf("%s: %s", format, stopped.Body)
		}
		s.Ask("GET", "/api/agents/"+agent, nil).Is(200)
		if kept := s.Ask("GET", "/api/agents/"+agent+"/memories", nil).Is(200); kept.Text("memories.20.content.text") != "tea ☕" {
			t.Errorf("%s: kept is %s", format, kept.Body)
		}
		lines := bytes.SplitAfter(whole, []byte("\n"))
		if format == "ndjson" { // cut between two lines
			takeIn(s, agent, "", bytes.Join(lines[:len(lines)-2], nil)).Refused(http.StatusBadRequest, problem.CodeInvalidRequest)
		}
		takeIn(s, agent, "", whole).Is(200)
	}
}

func TestABadLineInTheMiddleIsToldOfAndTheRestIsTakenIn(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	var b strings.Builder
	for n := range 300 {
		fmt.Fprintf(&b, `{"type":"memory","data":{"content":{"text":"memory %d"},"createdAt":%d}}`+"\n", n, 1000+n)
		switch n {
		case 100:
			b.WriteString("{broken\n")
		case 101:
			b.WriteString(`{"type":"memory","data":{"content":[1]}}` + "\n")
		case 102:
			b.WriteString(`{"type":"memory","data":{"content":{"text":"x"},"roomId":"` + unknown + `"}}` + "\n")
		case 103:
			b.WriteString(`{"type":"memory","data":{"content":{"text":"x"},"embedding":[1,2]}}` + "\n")
		case 104:
			b.WriteString(`{"type":"memory","data":{"content":{"text":"` + strings.Repeat("x", 2<<20) + `"}}}` + "\n")
		case 105:
			b.WriteString(`{"type":"relationship","data":{}}` + "\n\n")
		}
	}
	done := takeIn(s, agent, "", []byte(b.String())).Is(200)
	if done.At("imported") != 300.0 || done.At("failedCount") != 5.0 && done.At("failedCount") != 6.0 || done.At("failed.0.line") != 102.0 {
		t.Errorf("imported: %.600s", done.Body)
	}
	again := takeIn(s, agent, "", []byte(b.String())).Is(200)
	if again.At("imported") != 0.0 || again.At("skipped") != 300.0 {
		t.Errorf("imported again: %.600s", again.Body)
	}
	if listed := s.Ask("GET", "/api/agents/"+agent+"/memories?limit=1", nil).Is(200); listed.Text("memories.0.content.text") != "memory 299" || listed.At("memories.0.createdAt") != 1299.0 {
		t.Errorf("listed: %s", listed.Body)
	}
}

func TestACharacterOfElizaOSIsImportedWithItsMemories(t *testing.T) {
	t.Parallel()
	s := serve(t)
	done := takeIn(s, ann, "", []byte(`{"name":"Iris","bio":["listens"],"memories":[{"content":{"text":"tea"}},{"content":"coffee","tableName":"facts"}],"knowledge":[]}`)).Is(200)
	if done.At("imported") != 3.0 || done.At("failedCount") != 0.0 {
		t.Errorf("imported: %s", done.Body)
	}
	again := takeIn(s, ann, "", []byte(`{"name":"Iris","bio":["listens"],"memories":[{"content":{"text":"tea"}},{"content":"coffee","tableName":"facts"}]}`)).Is(200)
	if again.At("imported") != 0.0 || again.At("failedCount") != 0.0 {
		t.Errorf("imported: %s", again.Body)
	}
}

func TestBareMemoriesAreImported(t *testing.T) {
	t.Parallel()
	s := serve(t)
	done := takeIn(s, s.newAgent("Mnemosyne"), "", []byte(`{"memories":[{"content":{"text":"tea"}}]}`)).Is(200)
	if done.At("imported") != 1.0 || done.At("failedCount") != 0.0 {
		t.Errorf("imported: %s", done.Body)
	}
}

func TestWhatIsNoExportIsRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	for _, content := range []string{"", "PK\x03\x04 zip", "[]", "nothing", `{"memories":7}`, `{"memories":[`, `{"data":[]}`, `{}`, `{"success":true,"data":{}}`} {
		takeIn(s, agent, "", []byte(content), "Content-Type", "application/json").Refused(400, problem.CodeInvalidRequest)
	}
	takeIn(s, agent, "", []byte(`{"memories":[]}`), "Content-Type", "application/json").Is(200)
	takeIn(s, agent, "format=ndjson", []byte("PK\x03\x04 zip")).Refused(400, problem.CodeInvalidRequest)
	takeIn(s, agent, "", []byte(`{"type":"export","data":{"version":99}}`+"\n")).Refused(400, problem.CodeInvalidRequest)
	s.Ask("POST", "/api/memory/agents/nope/import", "{}").Refused(400, problem.CodeInvalidID)
}
