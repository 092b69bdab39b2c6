package events

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// form has a field of every kind that a payload may have.
type form struct {
	Text     string                     `json:"text"`
	Texts    []string                   `json:"texts"`
	Number   float64                    `json:"number"`
	Small    float32                    `json:"small"`
	At       time.Time                  `json:"at"`
	Free     json.RawMessage            `json:"free"`
	Settings map[string]json.RawMessage `json:"settings"`
	Secrets  map[string]Secret          `json:"secrets"`
	Bytes    []byte                     `json:"bytes"`
}

func nested(depth int) json.RawMessage {
	return json.RawMessage(strings.Repeat(`[`, depth-1) + `{"a":0}` + strings.Repeat(`]`, depth-1))
}

func year(y int) time.Time { return time.Date(y, 6, 1, 0, 0, 0, 0, time.UTC) }

func TestWhatMayBecomeAnEvent(t *testing.T) {
	t.Parallel()
	for name, fill := range map[string]func(*form){
		"nothing at all":            func(*form) {},
		"text of every plane":       func(f *form) { f.Text = "a\u007f\t\nß你\U0001F600\ufffd\uffff" },
		"numbers":                   func(f *form) { f.Number, f.Small = -math.MaxFloat64, math.SmallestNonzeroFloat32 },
		"the year 1970":             func(f *form) { f.At = time.Unix(0, 0) },
		"the end of 9999":           func(f *form) { f.At = time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC) },
		"JSON nested 64 deep":       func(f *form) { f.Free = nested(64) },
		"a tiny number":             func(f *form) { f.Free = json.RawMessage(`1e-999`) },
		"a long number":             func(f *form) { f.Free = json.RawMessage(`0.` + strings.Repeat("1", 1000)) },
		"JSON null":                 func(f *form) { f.Free = json.RawMessage(`null`) },
		"a pair of surrogates":      func(f *form) { f.Free = json.RawMessage(`"\ud83d\uDE00"`) },
		"an escaped backslash":      func(f *form) { f.Free = json.RawMessage(`"\\ud83d"`) },
		"escapes of every kind":     func(f *form) { f.Free = json.RawMessage(`"\"\\\/\b\f\n\r\t\u00e9\uffff"`) },
		"the same key twice":        func(f *form) { f.Free = json.RawMessage(`{"a":1,"a":2}`) },
		"bytes that are no text":    func(f *form) { f.Bytes = []byte{0, 0xff} },
		"settings of many kinds":    func(f *form) { f.Settings = map[string]json.RawMessage{"a": nested(2), "": nil} },
		"a secret that is a number": func(f *form) { f.Secrets = map[string]Secret{"a": NewSecret(json.RawMessage(`5`))} },
	} {
		f := form{At: noon}
		fill(&f)
		if err := validate(f, ""); err != nil {
			t.Errorf("%s is refused: %v", name, err)
		}
	}
}

func TestWhatMayNotBecomeAnEvent(t *testing.T) {
	t.Parallel()
	free := func(s string) func(*form) { return func(f *form) { f.Free = json.RawMessage(s) } }
	for name, c := range map[string]struct {
		at   string
		fill func(*form)
	}{
		"a NUL":                        {"text", func(f *form) { f.Text = "a\x00" }},
		"text that is not UTF-8":       {"text", func(f *form) { f.Text = "\xc3\x28" }},
		"a surrogate in UTF-8":         {"text", func(f *form) { f.Text = "\xed\xa0\xbd" }},
		"a NUL in a list":              {"texts[1]", func(f *form) { f.Texts = []string{"a", "\x00"} }},
		"not a number":                 {"number", func(f *form) { f.Number = math.NaN() }},
		"infinity":                     {"number", func(f *form) { f.Number = math.Inf(-1) }},
		"a small infinity":             {"small", func(f *form) { f.Small = float32(math.Inf(1)) }},
		"the year 1969":                {"at", func(f *form) { f.At = year(1969) }},
		"the year 10000":               {"at", func(f *form) { f.At = year(10000) }},
		"1969 behind a time zone":      {"at", func(f *form) { f.At = time.Date(1970, 1, 1, 0, 30, 0, 0, time.FixedZone("", 3600)) }},
		"no time":                      {"at", func(f *form) { f.At = time.Time{} }},
		"JSON nested 65 deep":          {"free", func(f *form) { f.Free = nested(65) }},
		"a number beyond all bounds":   {"free", free(`[1e999]`)},
		"a long number beyond bounds":  {"free", free(strings.Repeat("9", 400))},
		"NaN in JSON":                  {"free", free(`NaN`)},
		"JSON that is not UTF-8":       {"free", free("\"\xff\"")},
		"a NUL in JSON":                {"free", free(`{"a":"\u0000"}`)},
		"a NUL in a key of JSON":       {"free", free(`{"\u0000":1}`)},
		"a high surrogate alone":       {"free", free(`"\ud83d"`)},
		"a low surrogate alone":        {"free", free(`"\uDE00 "`)},
		"surrogates the wrong way":     {"free", free(`"\ude00\ud83d"`)},
		"a surrogate and another":      {"free", free(`"\ud83d\n"`)},
		"a surrogate in a key":         {"free", free(`{"\ud83d":1}`)},
		"two values":                   {"free", free(`1 2`)},
		"half a value":                 {"free", free(`{"a":`)},
		"a bracket too many":           {"free", free(`[]]`)},
		"white space":                  {"free", free(` `)},
		"a NUL in a key":               {"settings", func(f *form) { f.Settings = map[string]json.RawMessage{"\x00": nil} }},
		"malformed settings":           {"settings.a", func(f *form) { f.Settings = map[string]json.RawMessage{"a": json.RawMessage(`x`)} }},
		"a malformed secret":           {"secrets.a", func(f *form) { f.Secrets = map[string]Secret{"a": NewSecret(json.RawMessage(`x`))} }},
		"half a surrogate in a secret": {"secrets.a", func(f *form) { f.Secrets = map[string]Secret{"a": NewSecret(json.RawMessage(`"\ud83d"`))} }},
	} {
		f := form{At: noon}
		c.fill(&f)
		err := validate(f, "")
		if !errors.Is(err, ErrInvalid) || !strings.HasPrefix(err.Error(), c.at+": ") {
			t.Errorf("%s: the refusal is %v", name, err)
		}
	}
}

func TestARefusalNamesTheFieldAndKeepsTheTextToItself(t *testing.T) {
	t.Parallel()
	err := Check(AgentCreated{Character: Character{Name: "Private\x00Name"}})
	if err == nil || strings.Contains(err.Error(), "Private") || !strings.Contains(err.Error(), "AgentCreated: character.name: ") {
		t.Errorf("the refusal is %v", err)
	}
}

func TestTheValidatorKnowsEveryKindOfFieldThatPayloadsHave(t *testing.T) {
	t.Parallel()
	for _, e := range append([]any{Metadata{}}, toAny(catalogue)...) {
		knownKinds(t, reflect.TypeOf(e), reflect.TypeOf(e).Name())
	}
}

func knownKinds(t *testing.T, typ reflect.Type, at string) {
	t.Helper()
	switch typ {
	case reflect.TypeFor[json.RawMessage](), reflect.TypeFor[Secret](), reflect.TypeFor[time.Time](), reflect.TypeFor[uuid.UUID]():
		return
	}
	switch typ.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64, reflect.Uint8, reflect.Uint64, reflect.Float64, reflect.Float32:
	case reflect.Slice:
		knownKinds(t, typ.Elem(), at+"[]")
	case reflect.Map:
		if typ.Key().Kind() != reflect.String {
			t.Errorf("%s: keys of maps are texts, not %s", at, typ.Key())
		}
		knownKinds(t, typ.Elem(), at+"{}")
	case reflect.Struct:
		for f := range typ.Fields() {
			knownKinds(t, f.Type, at+"."+f.Name)
		}
	default:
		t.Errorf("%s: the validator does not look into a %s", at, typ)
	}
}

func toAny(list []Event) []any {
	var out []any
	for _, e := range list {
		out = append(out, e)
	}
	return out
}
