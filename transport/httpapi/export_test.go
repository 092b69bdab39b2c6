package httpapi

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"annals/transport/problem"
	"annals/transport/secrets"
)

// export gives what an agent's export says, without what differs from one export to the next.
func (s *fixture) export(agent, query string) []byte {
	s.t.Helper()
	return s.ask("GET", "/api/memory/agents/"+agent+"/export?"+query, nil).is(200).body
}

// furnished is an agent with a room, documents and memories.
func (s *fixture) furnished(name string) (agent string) {
	s.t.Helper()
	agent = s.newAgent(name)
	path := "/api/agents/" + agent
	room := s.ask("POST", path+"/rooms", fields{"name": "Study", "metadata": fields{"a": 1}}).is(201).text("id")
	vector := make([]float64, 384)
	vector[1] = 1
	s.ask("POST", path+"/memories", fields{"text": "tea ☕", "roomId": room, "embedding": vector}).is(201)
	for n := range 20 { // some of the same time
		s.ask("POST", path+"/memories", fields{"text": fmt.Sprint("leaf ", n)}).is(201)
	}
	s.ask("POST", path+"/memories", fields{"content": fields{"text": "green", "n": 12345678901234567}, "tableName": "facts", "metadata": fields{"m": nil}}).is(201)
	return agent
}

func takeIn(s *fixture, agent, query string, content []byte, headers ...string) answered {
	s.t.Helper()
	return s.ask("POST", "/api/memory/agents/"+agent+"/import?"+query, string(content), headers...)
}

func TestARoundTripGivesTheSameAgentInEitherFormat(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "ndjson"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			agent := s.furnished("Mnemosyne")
			s.eventually("the vector is known", func() bool { return bytes.Contains(s.export(agent, "includeEmbedding=true"), []byte(`"embedding"`)) })
			before := s.export(agent, "includeEmbedding=true&format="+format)
			s.untouched(func() {
				again := takeIn(s, agent, "", before).is(200)
				if again.at("imported") != 0.0 || again.at("failedCount") != 0.0 {
					t.Errorf("imported again: %s", again.body)
				}
			})
			s.ask("DELETE", "/api/agents/"+agent, nil).is(204)
			dry := takeIn(s, agent, "dryRun=true", before).is(200)
			if dry.at("imported").(float64) < 6 || dry.at("failedCount") != 0.0 || s.ask("GET", "/api/agents/"+agent, nil).status != 404 {
				t.Errorf("dry run: %s", dry.body)
			}
			done := takeIn(s, agent, "", before).is(200)
			if done.at("failedCount") != 0.0 || done.at("imported") != dry.at("imported") {
				t.Errorf("imported: %s", done.body)
			}
			s.eventually("the same is exported", func() bool {
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
	s := serve(t, func(o *Options) { o.Frame.Key = "k" })
	agent := s.ask("POST", "/api/agents", fields{"characterJson": fields{"name": "A", "bio": "b", "settings": fields{"secrets": fields{"TOKEN": "plain"}}}}, "X-API-KEY", "k").is(201).text("id")
	path := "/api/memory/agents/" + agent + "/export"
	if plain := s.ask("GET", path, nil, "X-API-KEY", "k").is(200); bytes.Contains(plain.body, []byte("TOKEN")) {
		t.Errorf("exported: %s", plain.body)
	}
	if with := s.ask("GET", path+"?includeSecrets=true", nil, "X-API-KEY", "k").is(200); !secrets.IsEncrypted(with.text("character.settings.secrets.TOKEN")) {
		t.Errorf("exported: %s", with.body)
	}
	open := serve(t)
	open.ask("GET", "/api/memory/agents/"+open.newAgent("A")+"/export?includeSecrets=true", nil).refused(403, problem.CodeForbidden)
	open.ask("GET", "/api/memory/agents/"+unknown+"/export", nil).refused(404, problem.CodeNotFound)
}

func TestAnExportThatCannotBeReadIsRefusedInTheEnvelope(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.furnished("Mnemosyne")
	s.pool.Close()
	for _, format := range []string{"json", "ndjson"} {
		s.ask("GET", "/api/memory/agents/"+agent+"/export?format="+format, nil).refused(503, problem.CodeDatabase)
	}
}

func TestLinesWithoutARecordAreRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.furnished("Mnemosyne")
	s.untouched(func() {
		for _, lines := range []string{"\n\n", "no\nrecords\n", `{"a":1}` + "\n"} {
			refused := takeIn(s, agent, "format=ndjson", []byte(lines)).refused(http.StatusBadRequest, problem.CodeInvalidRequest)
			if !strings.Contains(refused.field("error.message").(string), "no record") {
				t.Errorf("%q: %s", lines, refused.body)
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
		s.ask("DELETE", "/api/agents/"+agent, nil).is(204)
		stopped := takeIn(s, agent, "", cut).refused(http.StatusBadRequest, problem.CodeInvalidRequest)
		if stopped.field("error.details.stopped.line").(float64) < 5 || stopped.field("error.details.imported").(float64) < 5 {
			t.Errorf("%s: %s", format, stopped.body)
		}
		s.ask("GET", "/api/agents/"+agent, nil).is(200)
		if kept := s.ask("GET", "/api/agents/"+agent+"/memories", nil).is(200); kept.text("memories.20.content.text") != "tea ☕" {
			t.Errorf("%s: kept is %s", format, kept.body)
		}
		lines := bytes.SplitAfter(whole, []byte("\n"))
		if format == "ndjson" { // cut between two lines
			takeIn(s, agent, "", bytes.Join(lines[:len(lines)-2], nil)).refused(http.StatusBadRequest, problem.CodeInvalidRequest)
		}
		takeIn(s, agent, "", whole).is(200)
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
	done := takeIn(s, agent, "", []byte(b.String())).is(200)
	if done.at("imported") != 300.0 || done.at("failedCount") != 5.0 && done.at("failedCount") != 6.0 || done.at("failed.0.line") != 102.0 {
		t.Errorf("imported: %.600s", done.body)
	}
	again := takeIn(s, agent, "", []byte(b.String())).is(200)
	if again.at("imported") != 0.0 || again.at("skipped") != 300.0 {
		t.Errorf("imported again: %.600s", again.body)
	}
	if listed := s.ask("GET", "/api/agents/"+agent+"/memories?limit=1", nil).is(200); listed.text("memories.0.content.text") != "memory 299" || listed.at("memories.0.createdAt") != 1299.0 {
		t.Errorf("listed: %s", listed.body)
	}
}

func TestWhatIsNotAsItsManifestSaysIsToldOf(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	for manifest, reason := range map[string]string{
		`{"version":99}`: "version 99", `{"version":1,"checksum":"sha256:00"}`: "the checksum differs", `{"version":"one"}`: "unreadable",
	} {
		lines := `{"type":"memory","data":{"content":{"text":"kept"}}}` + "\n" + `{"type":"manifest","data":` + manifest + "}\n"
		done := takeIn(s, agent, "", []byte(lines)).is(200)
		if done.at("failedCount") != 1.0 || done.at("failed.0.line") != 2.0 || !strings.Contains(done.text("failed.0.reason"), reason) {
			t.Errorf("%s: %s", manifest, done.body)
		}
	}
}

func TestACharacterOfElizaOSIsImportedWithItsMemories(t *testing.T) {
	t.Parallel()
	s := serve(t)
	done := takeIn(s, ann, "", []byte(`{"name":"Iris","bio":["listens"],"memories":[{"content":{"text":"tea"}},{"content":"coffee","tableName":"facts"}],"knowledge":[]}`)).is(200)
	if done.at("imported") != 3.0 || done.at("failedCount") != 0.0 {
		t.Errorf("imported: %s", done.body)
	}
	again := takeIn(s, ann, "", []byte(`{"name":"Iris","bio":["listens"],"memories":[{"content":{"text":"tea"}},{"content":"coffee","tableName":"facts"}]}`)).is(200)
	if again.at("imported") != 0.0 || again.at("failedCount") != 0.0 {
		t.Errorf("imported: %s", again.body)
	}
}

func TestBareMemoriesAreImported(t *testing.T) {
	t.Parallel()
	s := serve(t)
	done := takeIn(s, s.newAgent("Mnemosyne"), "", []byte(`{"memories":[{"content":{"text":"tea"}}]}`)).is(200)
	if done.at("imported") != 1.0 || done.at("failedCount") != 0.0 {
		t.Errorf("imported: %s", done.body)
	}
}

func TestWhatIsNoExportIsRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	for _, content := range []string{"", "PK\x03\x04 zip", "[]", "nothing", `{"memories":7}`, `{"memories":[`, `{"data":[]}`, `{}`, `{"success":true,"data":{}}`} {
		takeIn(s, agent, "", []byte(content), "Content-Type", "application/json").refused(400, problem.CodeInvalidRequest)
	}
	takeIn(s, agent, "", []byte(`{"memories":[]}`), "Content-Type", "application/json").is(200)
	takeIn(s, agent, "format=ndjson", []byte("PK\x03\x04 zip")).refused(400, problem.CodeInvalidRequest)
	takeIn(s, agent, "", []byte(`{"type":"export","data":{"version":99}}`+"\n")).refused(400, problem.CodeInvalidRequest)
	s.ask("POST", "/api/memory/agents/nope/import", "{}").refused(400, problem.CodeInvalidID)
}
