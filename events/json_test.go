package events

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func FuzzJSONIsReadAsTheStandardLibraryReadsIt(f *testing.F) {
	codec := NewCodec(newFixedKeys())
	for _, e := range samples {
		enc := encode(f, codec, e)
		f.Add(enc.Type, enc.Data)
		f.Add(enc.Type, []byte(toJSON(f, e)))
		f.Add("", enc.Metadata)
	}
	for _, data := range []string{
		``, ` `, `null`, `[]`, `"a"`, `{`, `{}{}`, `{"actor":1}`, `{"actor":null}`, `{"ACTOR":"a"}`, `{"actor":"a","actor":"b"}`, `{"actor":"\ud800"}`,
		"{\"actor\":\"\xff\"}", `{"actor":"\u0000é\/"}`, `{"hops":1e2}`, `{"hops":99999999999999999999}`, `{"hops":1.5}`, `{"hops":01}`,
		`{"at":"2026-01-01T1:00:00Z"}`, `{"at":"2026-01-01T00:00:00,5+01:00"}`, `{"request":"not an id"}`,
		`{"request":"{00000000-0000-0000-0000-00000000000a}"}`,
	} {
		f.Add("", []byte(data))
	}
	for _, data := range []string{
		`{"metadata":null}`, `{"metadata":}`, `{"metadata":[1,]}`, `{"metadata": { "a" : "\ud800" } }`, `{"metadata":{"a":1,"a":2}}`, `{"metadata":nul}`,
		`{"sealed":{"authorId":"AQ"}}`, `{"sealed":{"authorId":"A\nQ=="}}`, `{"sealed":{"a":"AQ==","a":null}}`, `{"sealed":null}`,
		`{"metadata":` + strings.Repeat("[", 1<<17) + strings.Repeat("]", 1<<17) + `}`,
	} {
		f.Add("MessageSubmitted", []byte(data))
	}
	f.Fuzz(func(t *testing.T, typ string, data []byte) {
		types := []reflect.Type{reflect.TypeFor[Metadata]()}
		if l := codec.types[typ]; l != nil {
			types = []reflect.Type{l.typ, l.clear.typ}
			for _, p := range l.sealed {
				types = append(types, p.typ)
			}
		}
		for _, typ := range types {
			want, got := reflect.New(typ), reflect.New(typ)
			wantErr, err := json.Unmarshal(data, want.Interface()), readJSON(data, got.Interface())
			if (err != nil) != (wantErr != nil) {
				t.Errorf("%.200q reads with %v, not %v", data, err, wantErr)
			}
			if err == nil && !reflect.DeepEqual(got.Interface(), want.Interface()) {
				t.Errorf("%.200q reads %+v, not %+v", data, got, want)
			}
		}
	})
}
