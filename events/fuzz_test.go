package events

import (
	"bytes"
	"encoding/json"
	"testing"
)

func FuzzDecode(f *testing.F) {
	codec := NewCodec(newFixedKeys())
	for _, e := range samples {
		enc := encode(f, codec, e)
		f.Add(enc.Type, enc.Data, enc.Metadata)
	}
	f.Add("MessageEdited", []byte(`{"sealed":{"authorId":"AQ=="}}`), []byte(`{"schema":-1}`))
	f.Add("", []byte(nil), []byte("null"))
	f.Fuzz(func(t *testing.T, typ string, data, meta []byte) {
		r := decode(t, codec, Encoded{ID: factID, Type: typ, Data: data, Metadata: meta})
		switch e := r.Event.(type) {
		case nil:
			t.Fatal("a fact without an event")
		case Unknown:
			if e.Type != typ || e.Reason == nil {
				t.Fatalf("%q reads as %#v", typ, e)
			}
		default:
			if e.EventType() != typ {
				t.Fatalf("%q reads as %s", typ, e.EventType())
			}
		}
	})
}

func FuzzValidateJSON(f *testing.F) {
	for _, s := range []string{
		``, ` `, `null`, `"\ud83d\ude00"`, `"\ud83d"`, `"\\ud83d"`, `"\u0000"`, `1e999`, `[1] 2`, `{"a":[{"b":"\/<>"}]}`, "\"\xff\"",
		`{"a":1,"a":2}`, `[[[[`, `]`, `"`, `"\`, `"\ud83d\u`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if validateJSON(raw) != nil || len(raw) == 0 {
			return
		}
		spelled, err := json.Marshal(json.RawMessage(raw))
		if err != nil {
			t.Fatalf("%q was accepted and cannot be written: %v", raw, err)
		}
		if err := validateJSON(spelled); err != nil {
			t.Fatalf("%q was accepted, its other spelling %q not: %v", raw, spelled, err)
		}
		if bytes.Contains(spelled, []byte(`\u0000`)) && !bytes.Contains(spelled, []byte(`\\u0000`)) {
			t.Fatalf("%q holds a NUL", raw)
		}
		var v any
		if err := json.Unmarshal(spelled, &v); err != nil {
			t.Fatalf("%q cannot be read: %v", spelled, err)
		}
	})
}
