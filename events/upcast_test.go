package events

import (
	"errors"
	"strings"
	"testing"
)

// lifting is the history of a type "Knocked": schema 1 had no volume, schema 2 counted it in words, and from schema 3 on
// it is called AgentStarted.
var lifting = upcasters{
	"Knocked": {
		func(typ string, data []byte) (string, []byte, error) {
			return typ, append(data, " loudly"...), nil
		},
		func(_ string, data []byte) (string, []byte, error) {
			if string(data) == "broken loudly" {
				return "", nil, errors.New("no volume")
			}
			return "AgentStarted", []byte(`{"agentId":"` + string(data[:36]) + `"}`), nil
		},
	},
}

func TestUpcastersLiftEveryEarlierSchemaToTheCurrentOne(t *testing.T) {
	t.Parallel()
	codec := NewCodec(newFixedKeys())
	codec.upcasters = lifting
	for schema, payload := range map[string]string{
		`{"schema":1}`: eliza.String(),
		`{}`:           eliza.String(), // before schemas were counted
		`{"schema":2}`: eliza.String() + " softly",
	} {
		r := decode(t, codec, Encoded{ID: factID, Type: "Knocked", Data: []byte(payload), Metadata: []byte(schema)})
		if r.Event != (AgentStarted{AgentID: eliza}) {
			t.Errorf("%s reads as %#v", schema, r.Event)
		}
	}
}

func TestAnUpcasterThatFailsLeavesAnUnknown(t *testing.T) {
	t.Parallel()
	codec := NewCodec(newFixedKeys())
	codec.upcasters = lifting
	r := decode(t, codec, Encoded{ID: factID, Type: "Knocked", Data: []byte("broken"), Metadata: []byte(`{"schema":1}`)})
	if u, ok := r.Event.(Unknown); !ok || !strings.Contains(u.Reason.Error(), "schema 2: no volume") {
		t.Errorf("it reads as %#v", r.Event)
	}
}

func TestEverySchemaEverReleasedHasAWayToToday(t *testing.T) {
	t.Parallel()
	codec := NewCodec(newFixedKeys())
	for typ := range released {
		if _, ok := codec.types[typ]; !ok && len(released[typ]) == 0 {
			t.Errorf("%s is no type of the catalogue and is lifted to none", typ)
		}
	}
	for _, e := range catalogue {
		r := decode(t, codec, encode(t, codec, e))
		if r.Meta.Schema != released.current(e.EventType()) {
			t.Errorf("%s is written in schema %d, not %d", e.EventType(), r.Meta.Schema, released.current(e.EventType()))
		}
	}
}
