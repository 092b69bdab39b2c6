package httpapi

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

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

// portationExamples are answers as the operations give them.
var portationExamples = []any{
	json.RawMessage(`{"version":1,"agentId":"` + exampleAgent.String() + `","character":{"name":"Eliza","bio":["A listener of 1966."]},"memories":[]}`),
	imported{Imported: 7, Skipped: 1, Failed: []importFailure{}},
}
