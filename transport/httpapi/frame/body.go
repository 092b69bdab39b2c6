package frame

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"annals/events"
	"annals/transport/problem"
)

// MaxBody bounds a JSON body, in bytes.
const MaxBody = 2 << 20

var byteOrderMark = []byte("\ufeff")

// unmarshal is the one way in for JSON: it cleans, then decodes.
func unmarshal(data []byte, v any) error {
	data, err := Clean(data)
	if err != nil {
		return err
	}
	err = json.Unmarshal(data, v)
	var typ *json.UnmarshalTypeError
	if errors.As(err, &typ) {
		return fmt.Errorf("%s may not be %s", cmp.Or(typ.Field, "the whole"), typ.Value)
	}
	return err
}

// Clean settles what JSON leaves open: NULs and bytes that are not UTF-8 are refused, lone surrogates become U+FFFD, byte order
// marks are removed wherever they stand, and of keys that repeat the last wins, at every depth. What needs no change is given back
// as it is.
func Clean(data []byte) ([]byte, error) {
	if bytes.Contains(data, byteOrderMark) {
		data = bytes.ReplaceAll(data, byteOrderMark, nil)
	}
	if !utf8.Valid(data) {
		return nil, errors.New("the text is not UTF-8")
	}
	if bytes.Contains(data, []byte(`\u`)) {
		var err error
		if data, err = mendEscapes(bytes.Clone(data)); err != nil {
			return nil, err
		}
	}
	s := scanner{data: data}
	if err := s.value(0); err != nil {
		return nil, err
	}
	if !s.repeats {
		return data, nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var whole any
	if err := d.Decode(&whole); err != nil {
		return nil, err
	}
	return json.Marshal(whole)
}

var replacement = []byte(`\ufffd`)

// mendEscapes refuses \u0000, replaces lone surrogates and removes byte order marks, in place: all of these are six bytes long.
func mendEscapes(data []byte) ([]byte, error) {
	const mark = '\ufeff'
	kept, from := data[:0], 0
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		unit, ok := events.EscapedUnit(data[i:])
		switch {
		case !ok:
			i++ // a short escape
			continue
		case unit == 0:
			return nil, errors.New("a NUL character in text")
		case unit == mark:
			kept, from = append(kept, data[from:i]...), i+6
		case utf16.IsSurrogate(unit):
			if low, ok := events.EscapedUnit(data[i+6:]); ok && utf16.DecodeRune(unit, low) != utf8.RuneError {
				i += 6
			} else {
				copy(data[i:], replacement)
			}
		}
		i += 5
	}
	return append(kept, data[from:]...), nil
}

// scanner looks for keys that repeat, and for nesting beyond what an event may have. It leaves it to the decoder to find
// what is malformed.
type scanner struct {
	data    []byte
	at      int
	repeats bool
}

func (s *scanner) value(depth int) error {
	// A body wraps the free JSON that is limited, and a few levels of its own.
	if depth > events.MaxDepth+8 {
		return fmt.Errorf("nested deeper than %d", events.MaxDepth)
	}
	var keys keySet
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case '{', '[':
			s.at++
			if err := s.value(depth + 1); err != nil {
				return err
			}
		case '}', ']':
			s.at++
			return nil
		case '"':
			text := s.text()
			if s.isKey() && keys.repeats(text) {
				s.repeats = true
			}
		default:
			s.at++
		}
	}
	return nil
}

// text passes a string, and gives it in quotes.
func (s *scanner) text() []byte {
	from := s.at
	for s.at++; s.at < len(s.data); s.at++ {
		switch s.data[s.at] {
		case '\\':
			s.at++
		case '"':
			s.at++
			return s.data[from:s.at]
		}
	}
	s.at = len(s.data)
	return s.data[from:]
}

func (s *scanner) isKey() bool {
	for ; s.at < len(s.data); s.at++ {
		switch s.data[s.at] {
		case ' ', '\t', '\r', '\n':
		default:
			return s.data[s.at] == ':'
		}
	}
	return false
}

// keySet holds the keys of one object: most have few.
type keySet struct {
	few  [8][]byte
	n    int
	many map[string]bool
}

func (k *keySet) repeats(quoted []byte) bool {
	if bytes.IndexByte(quoted, '\\') >= 0 {
		var plain string
		if json.Unmarshal(quoted, &plain) == nil {
			quoted = []byte(`"` + plain + `"`)
		}
	}
	if k.many != nil {
		seen := k.many[string(quoted)]
		k.many[string(quoted)] = true
		return seen
	}
	for _, key := range k.few[:k.n] {
		if bytes.Equal(key, quoted) {
			return true
		}
	}
	if k.n < len(k.few) {
		k.few[k.n] = quoted
		k.n++
		return false
	}
	k.many = map[string]bool{string(quoted): true}
	for _, key := range k.few {
		k.many[string(key)] = true
	}
	return false
}

// Text is a string of a body; a number is taken as its digits, and zero for nothing, as the recorded server does.
type Text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *Text) UnmarshalJSON(b []byte) error {
	switch {
	case b[0] == '"':
		return json.Unmarshal(b, (*string)(t))
	case b[0] == '-' || ('0' <= b[0] && b[0] <= '9'):
		if n, err := strconv.ParseFloat(string(b), 64); n != 0 || err != nil {
			*t = Text(b)
		}
	case string(b) != "null":
		return fmt.Errorf("a text or a number was expected where %.20s stands", b)
	}
	return nil
}

// Schema implements huma.SchemaProvider.
func (Text) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: huma.TypeString} }

// ServerText is the id of a server: the number 0 is that of the default one, as the text is.
type ServerText string

// UnmarshalJSON implements json.Unmarshaler.
func (t *ServerText) UnmarshalJSON(b []byte) error {
	if string(b) == "0" {
		*t = "0"
		return nil
	}
	return (*Text)(t).UnmarshalJSON(b)
}

// Schema implements huma.SchemaProvider.
func (ServerText) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: huma.TypeString} }

// Part is what a PATCH gives of a thing, or not. Null is refused, which a pointer would take for nothing given.
type Part[T any] struct{ Value *T }

// UnmarshalJSON implements json.Unmarshaler.
func (p *Part[T]) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return errors.New("null stands where a value was expected")
	}
	return json.Unmarshal(b, &p.Value)
}

// Schema implements huma.SchemaProvider.
func (Part[T]) Schema(r huma.Registry) *huma.Schema { return r.Schema(reflect.TypeFor[T](), true, "") }

// Object is a free JSON object of a body; null is none.
type Object json.RawMessage

// UnmarshalJSON implements json.Unmarshaler.
func (o *Object) UnmarshalJSON(b []byte) error {
	switch {
	case b[0] == '{':
		*o = bytes.Clone(b)
	case string(b) != "null":
		return fmt.Errorf("an object was expected where %.20s stands", b)
	}
	return nil
}

// Schema implements huma.SchemaProvider.
func (Object) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

// Replacing is an object of a PATCH that takes the place of another one; null empties it, as in the recorded server.
type Replacing struct{ Object }

// UnmarshalJSON implements json.Unmarshaler.
func (o *Replacing) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		b = []byte(`{}`)
	}
	return o.Object.UnmarshalJSON(b)
}

// Raw is the object, nil if there is none.
func (o Object) Raw() json.RawMessage { return json.RawMessage(o) }

// Fields opens the object one level deep.
func (o Object) Fields() map[string]json.RawMessage {
	var out map[string]json.RawMessage
	if o != nil && json.Unmarshal(o, &out) != nil {
		return nil
	}
	return out
}

// TextIn is the string under the first of the keys that holds one.
func TextIn(fields map[string]json.RawMessage, keys ...string) string {
	for _, key := range keys {
		var s string
		if json.Unmarshal(fields[key], &s) == nil && s != "" {
			return s
		}
	}
	return ""
}

// Given is free JSON, nil for null.
func Given(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" {
		return nil
	}
	return raw
}

// Vector reads the numbers of a vector.
func Vector(raw json.RawMessage) (v []float32, err error) {
	if raw = Given(raw); raw == nil {
		return nil, nil
	}
	if err := json.Unmarshal(raw, &v); err != nil || v == nil {
		return nil, problem.Invalid("Invalid embedding: an array of numbers was expected")
	}
	return v, nil
}

// MissingFields names, as the recorded server does, the fields of a body that are not there.
func MissingFields(names string) error { return problem.Invalid("Missing required fields: %s", names) }

// Or is the first that is not empty.
func Or(s Text, otherwise string) string { return cmp.Or(string(s), otherwise) }
