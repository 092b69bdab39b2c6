package httpapi

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"annals/transport/problem"
)

// Types of answers that go on.
const (
	ndjson      = "application/x-ndjson"
	eventStream = "text/event-stream"
)

// sequence is an answer that goes on: JSON values, a line each, or the data of server-sent events. It gives an example of
// each kind of them.
type sequence struct {
	typ   string
	kinds []any
}

// inLines answers with values of these kinds, one a line, where that is asked for.
func inLines(kinds ...any) trait {
	return func(o *operation) { o.answer.sequence = sequence{ndjson, kinds} }
}

// describe tells, in the way of JSON Schema, that the text holds JSON; and what each of its values is like.
func (s sequence) describe(r huma.Registry) *huma.MediaType {
	var one huma.Schema
	var example strings.Builder
	form, what := "%s\n", "A JSON value a line, each as contentSchema says."
	if s.typ == eventStream {
		form, what = "event: log\nid: 17\ndata: %s\n\n", "Server-sent events, the data of each as contentSchema says."
	}
	for _, kind := range s.kinds {
		raw, err := json.Marshal(kind)
		if err != nil {
			panic(fmt.Sprintf("an example cannot be written: %v", err))
		}
		fmt.Fprintf(&example, form, raw)
		switch kind := kind.(type) {
		case *problem.Problem:
			one.AnyOf = append(one.AnyOf, problemSchema())
		case huma.SchemaProvider: // it says more of itself than its type does
			one.AnyOf = append(one.AnyOf, kind.Schema(r))
		default:
			one.AnyOf = append(one.AnyOf, r.Schema(reflect.TypeOf(kind), true, ""))
		}
	}
	schema := &huma.Schema{Type: huma.TypeString, Description: what, Extensions: map[string]any{"contentMediaType": "application/json", "contentSchema": &one}}
	return &huma.MediaType{Schema: schema, Example: example.String()}
}

// exportedLine is a line of an export: what it is about, and that.
type exportedLine struct {
	Type string `json:"type"`
	Data any    `json:"data"`
}

// Schema implements huma.SchemaProvider: of lines with that type.
func (l exportedLine) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, Required: []string{"type", "data"}, AdditionalProperties: false, Properties: map[string]*huma.Schema{
			"type": {Type: huma.TypeString, Enum: []any{l.Type}}, "data": r.Schema(reflect.TypeOf(l.Data), true, ""),
		},
	}
}

// exportedLines are those of an export, in their order.
func exportedLines() []any {
	return []any{
		exportedLine{kindExport, heading{exportVersion, exampleAgent, exampleISO}},
		exportedLine{kindCharacter, json.RawMessage(`{"name":"Eliza","bio":["A listener of 1966."]}`)},
		exportedLine{kindWorld, ExportedWorld{exampleWorld, "Home", exampleServer.String(), json.RawMessage(`{}`)}},
		exportedLine{kindEntity, ExportedEntity{aMemory.EntityID, exampleUser, []string{"Ann"}, json.RawMessage(`{}`)}},
		exportedLine{kindRoom, ExportedRoom{
			ID: exampleRoom, Name: "Us", WorldID: &exampleWorld, ChannelID: &exampleChannel, ServerID: exampleServer.String(), Type: "DM",
			Source: "eliza_gui", Metadata: json.RawMessage(`{}`), Entities: nil,
		}},
		exportedLine{kindMemory, ExportedMemory{
			ID: exampleMemory, Type: aMemory.Type, CreatedAt: exampleMillis, Content: aMemory.Content, EntityID: aMemory.EntityID, RoomID: exampleRoom,
			SubjectID: exampleUser, Unique: true, Metadata: aMemory.Metadata,
		}},
		exportedLine{kindManifest, manifest{exportVersion, map[string]int{kindMemory: 1}, "sha256:" + strings.Repeat("0", 64)}},
	}
}

// loggedLine is one of the server's log, with whatever it says besides.
type loggedLine struct {
	Level    int      `json:"level"`
	Time     int64    `json:"time"`
	PID      int      `json:"pid"`
	Hostname string   `json:"hostname"`
	Msg      string   `json:"msg"`
	_        struct{} `additionalProperties:"true"`
}
