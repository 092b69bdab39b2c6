package commands

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"annals/events"
)

// maxIssues bounds how many problems of one list or object are told.
const maxIssues = 50

// check names what is wrong with a value, each problem as "[.path]: message" in ElizaOS's words. The value of a key that
// is missing is empty.
type check func(json.RawMessage) []string

// field is one key of an object.
type field struct {
	name     string
	required bool
	check    check
}

// characterFields are the keys of a character, in the order in which ElizaOS looks at them.
var characterFields = []field{
	{"id", false, checkUUID},
	{"name", true, checkName},
	{"username", false, expect("string")},
	{"system", false, expect("string")},
	{"templates", false, each("object", expect("string"))},
	{"bio", true, either(expect("string"), texts)},
	{"messageExamples", false, each("array", each("array", shape(exampleFields)))},
	{"postExamples", false, texts},
	{"topics", false, texts},
	{"adjectives", false, texts},
	{"knowledge", false, each("array", either(expect("string"), shape(pathFields), shape(directoryFields)))},
	{"plugins", false, texts},
	{"settings", false, expect("object")},
	{"secrets", false, each("object", either(expect("string"), expect("boolean"), expect("number")))},
	{"style", false, shape(styleFields)},
}

var (
	exampleFields   = []field{{"name", true, expect("string")}, {"content", true, shape(contentFields)}}
	pathFields      = []field{{"path", true, expect("string")}, {"shared", false, expect("boolean")}}
	directoryFields = []field{{"directory", true, expect("string")}, {"shared", false, expect("boolean")}}
	styleFields     = []field{{"all", false, texts}, {"chat", false, texts}, {"post", false, texts}}
	contentFields   = []field{
		{"text", false, expect("string")},
		{"thought", false, expect("string")},
		{"actions", false, texts},
		{"providers", false, texts},
		{"source", false, expect("string")},
		{"target", false, expect("string")},
		{"url", false, expect("string")},
		{"inReplyTo", false, checkUUID},
		{"attachments", false, expect("array")},
		{"channelType", false, expect("string")},
	}
)

func unknownFields(object json.RawMessage) []string {
	var unknown []string
	for name := range members(object) {
		known := slices.ContainsFunc(characterFields, func(f field) bool { return f.name == name })
		if !known && !slices.Contains(unknown, name) && len(unknown) < maxIssues {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

// kind is the JSON type of a value as the refusals name it.
func kind(v json.RawMessage) string {
	v = bytes.TrimSpace(v)
	if len(v) == 0 {
		return "undefined"
	}
	switch v[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}

func expect(want string) check {
	return func(v json.RawMessage) []string {
		switch kind(v) {
		case want:
			return nil
		case "undefined":
			return []string{": Required"}
		}
		return []string{fmt.Sprintf(": Expected %s, received %s", want, kind(v))}
	}
}

// texts checks a list of texts.
var texts = each("array", expect("string"))

// either accepts what one of the checks accepts.
func either(checks ...check) check {
	return func(v json.RawMessage) []string {
		for _, c := range checks {
			if len(c(v)) == 0 {
				return nil
			}
		}
		return []string{": Invalid input"}
	}
}

// each checks every element of an array or every value of an object.
func each(want string, c check) check {
	return func(v json.RawMessage) []string {
		out := expect(want)(v)
		if len(out) > 0 {
			return out
		}
		for name, value := range members(v) {
			for _, problem := range c(value) {
				out = append(out, "."+name+problem)
			}
			if len(out) >= maxIssues {
				break
			}
		}
		return out
	}
}

// shape checks the fields of an object; keys that it does not know are left alone.
func shape(fields []field) check {
	return func(v json.RawMessage) []string {
		out := expect("object")(v)
		if len(out) > 0 {
			return out
		}
		values := maps.Collect(members(v))
		for _, f := range fields {
			value, present := values[f.name]
			if !present && !f.required {
				continue
			}
			for _, problem := range f.check(value) {
				out = append(out, "."+f.name+problem)
			}
		}
		return out
	}
}

// members yields what a valid array or object holds, in order, under its index or key.
func members(v json.RawMessage) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		d := json.NewDecoder(bytes.NewReader(v))
		open, err := d.Token()
		for i := 0; err == nil && d.More(); i++ {
			name := strconv.Itoa(i)
			if open == json.Delim('{') {
				key, _ := d.Token()
				name = fmt.Sprint(key)
			}
			var value json.RawMessage
			if err = d.Decode(&value); err == nil && !yield(name, value) {
				return
			}
		}
	}
}

var uuidShape = regexp.MustCompile(`(?i)^"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"$`)

func checkUUID(v json.RawMessage) []string {
	out := expect("string")(v)
	if len(out) == 0 && !uuidShape.Match(v) {
		return []string{": Invalid UUID format"}
	}
	return out
}

func checkName(v json.RawMessage) []string {
	out := expect("string")(v)
	var name string
	if len(out) == 0 && json.Unmarshal(v, &name) == nil && events.TrimAgentName(name) == "" {
		return []string{": Character name is required"}
	}
	return out
}
