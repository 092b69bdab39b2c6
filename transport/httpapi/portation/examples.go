package portation

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"annals/transport/httpapi/example"
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
		exportedLine{kindExport, heading{exportVersion, example.Agent, example.ISO}},
		exportedLine{kindCharacter, json.RawMessage(`{"name":"Eliza","bio":["A listener of 1966."]}`)},
		exportedLine{kindWorld, ExportedWorld{example.World, example.Agent, "Home", example.Server.String(), json.RawMessage(`{}`)}},
		exportedLine{kindEntity, ExportedEntity{example.TheMemory.EntityID, example.User, []string{"Ann"}, json.RawMessage(`{}`)}},
		exportedLine{kindRoom, ExportedRoom{
			ID: example.Room, Name: "Us", WorldID: &example.World, ChannelID: &example.Channel, ServerID: example.Server.String(), Type: "DM",
			Source: "eliza_gui", Metadata: json.RawMessage(`{}`), Entities: []uuid.UUID{},
		}},
		exportedLine{kindMemory, ExportedMemory{
			ID: example.Memory, Type: example.TheMemory.Type, CreatedAt: example.Millis, Content: example.TheMemory.Content, EntityID: example.TheMemory.EntityID, RoomID: example.Room,
			SubjectID: example.User, Unique: true, Metadata: example.TheMemory.Metadata,
		}},
		exportedLine{kindManifest, manifest{exportVersion, example.Agent, map[string]int{kindMemory: 1}, "sha256:" + strings.Repeat("0", 64)}},
	}
}

// examples are answers as the operations give them.
var examples = []any{
	json.RawMessage(`{"version":1,"agentId":"` + example.Agent.String() + `","character":{"name":"Eliza","bio":["A listener of 1966."]},"memories":[]}`),
	imported{Imported: 7, Skipped: 1, Failed: []importFailure{}, OnConflict: conflictSkip},
}
