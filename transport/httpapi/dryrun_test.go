package httpapi_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"annals/events"
	"annals/transport/httpapi"
	"annals/transport/problem"
)

func TestADryRunSaysWhatTheImportThenDoes(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent, room, document, twice := uuid.NewString(), uuid.NewString(), uuid.NewString(), uuid.NewString()
	record := func(kind string, data fields) fields { return fields{"type": kind, "data": data} }
	memory := func(data fields) fields { data["content"] = fields{"text": "x"}; return record("memory", data) }
	var file strings.Builder
	for _, line := range []fields{
		memory(fields{"id": uuid.NewString(), "tableName": "facts"}), // before its agent, which is made first
		record("character", fields{"name": "Mnemosyne", "bio": "remembers"}),
		record("room", fields{"id": room, "name": "Study"}),
		record("room", fields{"id": room, "name": "Study"}),
		memory(fields{"id": twice, "roomId": room}),
		memory(fields{"id": twice, "roomId": room}),
		memory(fields{"id": uuid.NewString(), "roomId": uuid.NewString()}), // in no room
		memory(fields{"id": document, "tableName": "documents"}),
		memory(fields{"id": uuid.NewString(), "tableName": "fragments", "documentId": document}),
		memory(fields{"id": uuid.NewString(), "tableName": "fragments", "documentId": uuid.NewString()}), // of no document
	} {
		file.WriteString(jsonText(line) + "\n")
	}
	dry := takeIn(s, agent, "format=ndjson&dryRun=true", []byte(file.String())).Is(200)
	done := takeIn(s, agent, "format=ndjson", []byte(file.String())).Is(200)
	for _, what := range []string{"imported", "skipped", "failedCount", "failed"} {
		if jsonText(dry.At(what)) != jsonText(done.At(what)) {
			t.Errorf("%s would be %v, and is %v", what, dry.At(what), done.At(what))
		}
	}
	if done.At("skipped") != 2.0 || done.At("failedCount") != 2.0 {
		t.Errorf("imported: %s", done.Body)
	}
}

func TestAnImportWhoseLastMemoryCannotBeStoredFails(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *httpapi.Options) { o.Frame.Env.Store = forgetful{o.Frame.Env.Store} })
	agent := s.newAgent("Mnemosyne")
	s.Ask("POST", "/api/memory/agents/"+agent+"/import", fields{"memories": []fields{{"content": fields{"text": "x"}}}}).Refused(500, problem.CodeInternal)
}

// forgetful is a store that takes no memories.
type forgetful struct{ events.Store }

func (f forgetful) Append(ctx context.Context, s events.StreamID, expect events.Revision, facts ...events.Proposed) (events.Position, error) {
	if s.Category() == "memory" {
		return 0, errors.New("the disk is full")
	}
	return f.Store.Append(ctx, s, expect, facts...)
}
