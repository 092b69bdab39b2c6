package events

import (
	"encoding/json"
	"reflect"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

func typeOf(e Event) reflect.Type { return reflect.TypeOf(e) }

// anyEvent is a fact of some type with arbitrary values: mostly acceptable, some not.
func anyEvent(t *rapid.T) Event {
	v := reflect.New(reflect.TypeOf(rapid.SampledFrom(catalogue).Draw(t, "type"))).Elem()
	fill(t, v)
	return v.Interface().(Event)
}

func fill(t *rapid.T, v reflect.Value) {
	switch v.Type() {
	case reflect.TypeFor[json.RawMessage]():
		v.SetBytes(anyJSON().Draw(t, "json"))
		return
	case reflect.TypeFor[Secret]():
		v.Set(reflect.ValueOf(NewSecret(anyJSON().Draw(t, "secret"))))
		return
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(rapid.Int64Range(-1, 1<<39).Draw(t, "second"), 0).UTC()))
		return
	case reflect.TypeFor[uuid.UUID]():
		v.Set(reflect.ValueOf(rapid.SampledFrom([]uuid.UUID{uuid.Nil, alice, eliza, lobby}).Draw(t, "id")))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(anyText().Draw(t, "text"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64Range(0, 1<<53).Draw(t, "int"))
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(uint64(rapid.Uint8().Draw(t, "number")))
	case reflect.Float64:
		v.SetFloat(rapid.Float64Range(-1e9, 1e9).Draw(t, "number"))
	case reflect.Slice:
		for range rapid.IntRange(0, 3).Draw(t, "length") {
			e := reflect.New(v.Type().Elem()).Elem()
			fill(t, e)
			v.Set(reflect.Append(v, e))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rapid.IntRange(0, 3).Draw(t, "size") {
			e := reflect.New(v.Type().Elem()).Elem()
			fill(t, e)
			v.SetMapIndex(reflect.ValueOf(anyText().Draw(t, "key")), e)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	default:
		t.Fatalf("no way is known to fill a %s", v.Type())
	}
}

func anyText() *rapid.Generator[string] {
	return rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"", "a\x00b", "\xff\xfe", "\xed\xa0\x80", "<&>\u2028", "\ufffd", "\U0001F600", "\"\\\n\t",
	}))
}

// anyJSON is mostly JSON, of every shape and spelling.
func anyJSON() *rapid.Generator[[]byte] {
	return rapid.OneOf(
		rapid.Custom(func(t *rapid.T) []byte {
			b, err := json.Marshal(jsonValue(t, 3))
			if err != nil {
				t.Fatal(err)
			}
			return b
		}),
		rapid.SampledFrom([][]byte{
			nil, []byte("null"), []byte(` { "a" : [ 1.50 , -0 , 1e2 ] } `), []byte(`"\ud83d\ude00"`), []byte(`"\ud83d"`),
			[]byte(`"\u0000"`), []byte(`1e999`), []byte(`{"a":1,"a":2}`), []byte(`[1] 2`), []byte(`"<\/b>\u2028"`),
			[]byte("\"\xff\""), []byte(`12345678901234567890.123456789`), []byte(" "),
		}),
	)
}

func jsonValue(t *rapid.T, depth int) any {
	kinds := 6
	if depth == 0 {
		kinds = 4
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return rapid.Float64().Draw(t, "number")
	case 3:
		return rapid.String().Draw(t, "string")
	case 4:
		list := make([]any, rapid.IntRange(0, 3).Draw(t, "length"))
		for i := range list {
			list[i] = jsonValue(t, depth-1)
		}
		return list
	}
	object := map[string]any{}
	for range rapid.IntRange(0, 3).Draw(t, "size") {
		object[rapid.String().Draw(t, "key")] = jsonValue(t, depth-1)
	}
	return object
}
