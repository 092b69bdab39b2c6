package httpapi_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"annals/transport/problem"
)

// What was changed, lost or added since the export is refused, wherever it stands, before anything is stored.
func TestATamperedExportIsRefusedBeforeAnythingIsStored(t *testing.T) {
	t.Parallel()
	s := serve(t)
	from, to := s.furnished("Mnemosyne"), s.newAgent("Lethe")
	for _, format := range []string{"ndjson", "json"} {
		whole := string(s.export(from, "format="+format))
		lines := strings.SplitAfter(whole, "\n")
		last := len(lines) - 4 // but one, of the memories
		if format == "json" {
			last = len(lines) - 6 // behind them are relationships and the manifest
		}
		tampered := map[string]string{
			"a text":            strings.Replace(whole, "leaf 7", "leaf 8", 1),
			"a time":            strings.Replace(whole, `"createdAt":1`, `"createdAt":2`, 1),
			"an id":             strings.Replace(whole, `"data":{"id":"`, `"data":{"id":"0`, 1),
			"a character":       strings.Replace(whole, `"name":"Mnemosyne"`, `"name":"Mnemosine"`, 1),
			"the checksum":      strings.Replace(whole, `"checksum":"sha256:`, `"checksum":"sha256:0`, 1),
			"no checksum":       strings.Replace(whole, `"checksum":"`, `"checkmate":"`, 1),
			"the counts":        strings.Replace(whole, `"memory":22`, `"memory":23`, 1),
			"the agent":         strings.Replace(whole, `"agentId":"`+from, `"agentId":"`+ann, 1),
			"the version":       strings.Replace(whole, `"version":1`, `"version":2`, 1),
			"two records":       strings.Join(swapped(lines, last), ""),
			"a record is lost":  strings.Join(append(lines[:last:last], lines[last+1:]...), ""),
			"a record is twice": strings.Join(append(lines[:last+1:last+1], lines[last:]...), ""),
		}
		if format == "ndjson" {
			tampered["a kind"] = strings.Replace(whole, `"type":"room"`, `"type":"world"`, 1)
			tampered["a line is no record"] = strings.Replace(whole, `"type":"memory"`, `"kind":"memory"`, 1)
			tampered["a line behind the end"] = whole + `{"type":"memory","data":{"content":{"text":"late"}}}` + "\n"
		} else {
			delete(tampered, "an id")
			tampered["no manifest"] = whole[:strings.LastIndex(whole, ",\n\"manifest\"")] + "}}"
		}
		s.untouched(func() {
			for what, file := range tampered {
				if file == whole {
					t.Errorf("%s: %s is as it was", format, what)
				}
				refused := takeIn(s, to, "", []byte(file)).Refused(400, problem.CodeInvalidRequest)
				if refused.Field("error.details.imported") != 0.0 {
					t.Errorf("%s: %s: %s", format, what, refused.Body)
				}
			}
		})
		if done := takeIn(s, to, "", []byte(whole)).Is(200); done.At("failedCount") != 0.0 {
			t.Errorf("as it was: %s", done.Body)
		}
		s.Ask("DELETE", "/api/agents/"+to+"/memories", nil).Is(200)
	}
}

// swapped has a line change places with the next.
func swapped(lines []string, at int) []string {
	other := append([]string{}, lines...)
	other[at], other[at+1] = other[at+1], other[at]
	return other
}

// A byte that was changed on the way never goes unseen, whatever it was.
func TestNoByteOfARecordIsChangedUnseen(t *testing.T) {
	t.Parallel()
	s := serve(t)
	from, to := s.newAgent("Mnemosyne"), s.newAgent("Lethe")
	s.Ask("POST", "/api/agents/"+from+"/memories", fields{"text": "tea", "metadata": fields{"a": 1}}).Is(201)
	whole := s.export(from, "format=ndjson")
	begin := bytes.Index(whole, []byte(`{"type":"memory"`))
	end := bytes.Index(whole, []byte(`{"type":"manifest"`)) - 1
	s.untouched(func() {
		for at := begin; at < end; at++ {
			file := bytes.Clone(whole)
			file[at] ^= 1
			if a := takeIn(s, to, "", file); a.Status != 400 {
				t.Fatalf("byte %d, %q: %d %s", at, whole[max(begin, at-10):at+1], a.Status, a.Body)
			}
		}
	})
}

func TestAnExportMayBeLaidOutAnew(t *testing.T) {
	t.Parallel()
	s := serve(t)
	from, to := s.furnished("Mnemosyne"), s.newAgent("Lethe")
	wide := bytes.ReplaceAll(s.export(from, "format=json"), []byte(`":{"`), []byte("\" : {\n\t\""))
	if done := takeIn(s, to, "", wide).Is(200); done.At("failedCount") != 0.0 || done.At("onConflict") != "copy" {
		t.Errorf("imported: %s", done.Body)
	}
}

func TestAnImportRefusesWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	s.untouched(func() {
		for _, query := range []string{"onConflict=merge", "dryRun=yes", "dryRun=1", "format=xml"} {
			refused := takeIn(s, agent, query, []byte(`{"memories":[{"content":{"text":"tea"}}]}`)).Refused(400, problem.CodeInvalidRequest)
			if !strings.Contains(fmt.Sprint(refused.Field("error.message")), "was expected") {
				t.Errorf("%s: %s", query, refused.Body)
			}
		}
	})
}
