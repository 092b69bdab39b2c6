package characters

import (
	"bytes"
	"encoding/json"
	"strings"
)

// object returns the members of an object, nil for any other value.
func object(v json.RawMessage) (fields map[string]json.RawMessage) {
	if v = bytes.TrimSpace(v); len(v) > 0 && v[0] == '{' {
		_ = json.Unmarshal(v, &fields) // it is an object, or was no JSON
	}
	return fields
}

// list returns the entries of an array, nil for any other value.
func list(v json.RawMessage) (entries []json.RawMessage) {
	if v = bytes.TrimSpace(v); len(v) > 0 && v[0] == '[' {
		_ = json.Unmarshal(v, &entries) // it is an array, or was no JSON
	}
	return entries
}

func isString(v json.RawMessage) bool { return len(v) > 0 && v[0] == '"' }

func isTexts(v json.RawMessage) bool {
	entries := list(v)
	for _, entry := range entries {
		if !isString(entry) {
			return false
		}
	}
	return entries != nil
}

func isEmpty(v json.RawMessage) bool {
	switch string(bytes.TrimSpace(v)) {
	case "", "null", `""`, "[]", "{}":
		return true
	}
	return false
}

// texts returns the texts in a value: in a list, those of its entries, and in an object that of the member that usually has it.
func texts(v json.RawMessage) (all []string) {
	var text string
	switch fields, entries := object(v), list(v); {
	case isString(v):
		if json.Unmarshal(v, &text) == nil && strings.TrimSpace(text) != "" {
			return []string{text}
		}
	case fields != nil:
		for _, name := range []string{"text", "content", "name", "npmName"} {
			if found := texts(fields[name]); len(found) > 0 {
				return found
			}
		}
	case entries != nil:
		for _, entry := range entries {
			all = append(all, texts(entry)...)
		}
	case len(v) > 0 && v[0] != 'n' && v[0] != 't' && v[0] != 'f':
		return []string{string(v)} // a number
	}
	return all
}

// encode writes what was JSON before, or texts.
func encode(v any) json.RawMessage {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // cannot be
	}
	return bytes.TrimSpace(out.Bytes())
}
