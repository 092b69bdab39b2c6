package events

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth bounds the nesting of free JSON in a payload.
const MaxDepth = 64

// validate decides what may become an event, for clients, models and imports alike: valid Unicode without NUL, free JSON
// of at most MaxDepth, finite numbers, times from 1970 to 9999. Everything it lets pass can be stored and projected.
func validate(what any, at string) error { return validateValue(reflect.ValueOf(what), at) }

func validateValue(v reflect.Value, at string) error {
	switch v.Kind() {
	case reflect.String:
		return named(at, validateText(v.String()))
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return named(at, fmt.Errorf("%w: %v is no finite number", ErrInvalid, f))
		}
	case reflect.Slice, reflect.Array:
		return validateList(v, at)
	case reflect.Map:
		for key, value := range v.Seq2() {
			name := join(at, key.String())
			if err := validateText(key.String()); err != nil {
				return named(at, err)
			}
			if err := validateValue(value, name); err != nil {
				return err
			}
		}
	case reflect.Struct:
		return validateStruct(v, at)
	}
	return nil
}

func validateList(v reflect.Value, at string) error {
	if v.Type() == reflect.TypeFor[json.RawMessage]() {
		return named(at, validateJSON(v.Bytes()))
	}
	switch v.Type().Elem().Kind() {
	case reflect.Uint8, reflect.Bool, reflect.Int:
		return nil
	}
	for i := range v.Len() {
		if err := validateValue(v.Index(i), fmt.Sprintf("%s[%d]", at, i)); err != nil {
			return err
		}
	}
	return nil
}

func validateStruct(v reflect.Value, at string) error {
	switch s := v.Interface().(type) {
	case time.Time:
		if y := s.UTC().Year(); y < 1970 || y > 9999 {
			return named(at, fmt.Errorf("%w: a time in the year %d", ErrInvalid, y))
		}
		return nil
	case Secret:
		return named(at, validateJSON(s.Reveal()))
	}
	for i, f := range writtenAs(v.Type()) {
		field := v.Field(i)
		if f.omitzero && field.IsZero() {
			continue
		}
		if err := validateValue(field, join(at, f.name)); err != nil {
			return err
		}
	}
	return nil
}

// written is how a field is written; one with omitzero is absent where it is zero.
type written struct {
	name     string
	omitzero bool
}

// fieldsWritten remembers what reflection tells of each type: every event passes here.
var fieldsWritten sync.Map // reflect.Type to []written

func writtenAs(t reflect.Type) []written {
	if known, ok := fieldsWritten.Load(t); ok {
		return known.([]written)
	}
	all := make([]written, t.NumField())
	for i := range all {
		f := t.Field(i)
		all[i] = written{wireName(f), strings.HasSuffix(f.Tag.Get("json"), ",omitzero")}
	}
	fieldsWritten.Store(t, all)
	return all
}

func validateText(s string) error {
	switch {
	case strings.IndexByte(s, 0) >= 0:
		return fmt.Errorf("%w: a NUL character in text", ErrInvalid)
	case !utf8.ValidString(s):
		return fmt.Errorf("%w: text that is not UTF-8", ErrInvalid)
	}
	return nil
}

// validateJSON accepts the absence of a value.
func validateJSON(raw json.RawMessage) error {
	if len(raw) == 0 {
		return nil
	}
	if !utf8.Valid(raw) {
		return fmt.Errorf("%w: JSON that is not UTF-8", ErrInvalid)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	depth := 0
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		switch t := t.(type) {
		case json.Delim:
			depth += map[json.Delim]int{'{': 1, '[': 1, '}': -1, ']': -1}[t]
			if depth > MaxDepth {
				return fmt.Errorf("%w: JSON nested deeper than %d", ErrInvalid, MaxDepth)
			}
		case string:
			if err := validateText(t); err != nil {
				return err
			}
		case json.Number:
			if f, err := t.Float64(); err != nil || math.IsInf(f, 0) {
				return fmt.Errorf("%w: the number %.40s is out of range", ErrInvalid, t)
			}
		}
	}
	if !json.Valid(raw) {
		return fmt.Errorf("%w: malformed JSON", ErrInvalid)
	}
	if loneSurrogate(raw) {
		return fmt.Errorf("%w: half of a surrogate pair in JSON", ErrInvalid)
	}
	return nil
}

// loneSurrogate finds an escape like \ud83d without its other half: no Unicode text, and PostgreSQL refuses to read it.
func loneSurrogate(raw []byte) bool {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return false
		}
		raw = raw[i:]
		first, _ := EscapedUnit(raw)
		if !utf16.IsSurrogate(first) {
			raw = raw[2:] // an escape is two bytes, or two and four digits
			continue
		}
		if second, ok := EscapedUnit(raw[6:]); !ok || utf16.DecodeRune(first, second) == unicode.ReplacementChar {
			return true
		}
		raw = raw[12:]
	}
}

// EscapedUnit reads the code unit of UTF-16 that JSON writes as \uXXXX at the start of raw, if it does.
func EscapedUnit(raw []byte) (unit rune, ok bool) {
	var b [2]byte
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return 0, false
	}
	if _, err := hex.Decode(b[:], raw[2:6]); err != nil {
		return 0, false
	}
	return rune(b[0])<<8 | rune(b[1]), true
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func named(at string, err error) error {
	if err == nil || at == "" {
		return err
	}
	return fmt.Errorf("%s: %w", at, err)
}
