package commands

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"annals/events"
)

// ParseCharacter reads a character as ElizaOS writes it and refuses what ElizaOS refuses (CONTRACT 2.4), in its words.
// Strings among the secrets are expected to be encrypted already.
func ParseCharacter(raw json.RawMessage) (events.Character, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil || fields == nil {
		return events.Character{}, invalidCharacter([]string{": Expected object, received " + kind(raw)})
	}
	var issues []string
	for _, f := range characterFields {
		v, present := fields[f.name]
		if !present && !f.required {
			continue
		}
		for _, problem := range f.check(v) {
			issues = append(issues, f.name+problem)
		}
	}
	if unknown := unknownFields(fields); len(unknown) > 0 {
		issues = append(issues, ": Unrecognized key(s) in object: '"+strings.Join(unknown, "', '")+"'")
	}
	if len(issues) > 0 {
		return events.Character{}, invalidCharacter(issues)
	}
	return buildCharacter(raw, fields)
}

func invalidCharacter(issues []string) error {
	return fmt.Errorf("%w: Character validation failed: %s", ErrRefused, strings.Join(issues, "; "))
}

// buildCharacter fills the struct from a checked object. Secrets may stand at the top level or in the settings.
func buildCharacter(raw json.RawMessage, fields map[string]json.RawMessage) (events.Character, error) {
	var c events.Character
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, fmt.Errorf("%w: Character validation failed: %w", ErrRefused, err)
	}
	if inner, ok := c.Settings["secrets"]; ok && kind(inner) == "object" {
		delete(c.Settings, "secrets")
		secrets := c.Secrets
		c.Secrets = nil
		if err := json.Unmarshal(inner, &c.Secrets); err != nil {
			return c, fmt.Errorf("%w: Character validation failed: settings.secrets: %w", ErrRefused, err)
		}
		for name, value := range secrets {
			if _, ok := c.Secrets[name]; !ok {
				c.Secrets[name] = value
			}
		}
	}
	return c, nil
}

// characterField is one key of a character; check names each problem as "[.path]: message".
type characterField struct {
	name     string
	required bool
	check    func(json.RawMessage) []string
}

var characterFields = []characterField{
	{"id", false, checkID},
	{"name", true, checkName},
	{"username", false, expect("string")},
	{"system", false, expect("string")},
	{"templates", false, each("object", expect("string"))},
	{"bio", true, checkBio},
	{"messageExamples", false, each("array", each("array", checkExample))},
	{"postExamples", false, each("array", expect("string"))},
	{"topics", false, each("array", expect("string"))},
	{"adjectives", false, each("array", expect("string"))},
	{"knowledge", false, each("array", checkKnowledge)},
	{"plugins", false, each("array", expect("string"))},
	{"settings", false, expect("object")},
	{"secrets", false, each("object", checkSecret)},
	{"style", false, each("object", each("array", expect("string")))},
}

func unknownFields(fields map[string]json.RawMessage) []string {
	var unknown []string
	for name := range fields {
		if !slices.ContainsFunc(characterFields, func(f characterField) bool { return f.name == name }) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
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

func mismatch(want string, v json.RawMessage) []string {
	if len(v) == 0 {
		return []string{": Required"}
	}
	return []string{fmt.Sprintf(": Expected %s, received %s", want, kind(v))}
}

func expect(want string) func(json.RawMessage) []string {
	return func(v json.RawMessage) []string {
		if kind(v) != want {
			return mismatch(want, v)
		}
		return nil
	}
}

// each checks every element of an array or every value of an object.
func each(want string, check func(json.RawMessage) []string) func(json.RawMessage) []string {
	return func(v json.RawMessage) []string {
		if kind(v) != want {
			return mismatch(want, v)
		}
		var out []string
		for name, value := range members(v) {
			for _, problem := range check(value) {
				out = append(out, "."+name+problem)
			}
		}
		return out
	}
}

// members yields what an array or object holds, in order, under its index or key.
func members(v json.RawMessage) func(func(string, json.RawMessage) bool) {
	return func(yield func(string, json.RawMessage) bool) {
		if kind(v) == "array" {
			var list []json.RawMessage
			_ = json.Unmarshal(v, &list) // the whole was parsed before
			for i, value := range list {
				if !yield(fmt.Sprint(i), value) {
					return
				}
			}
			return
		}
		var object map[string]json.RawMessage
		_ = json.Unmarshal(v, &object)
		for _, name := range slices.Sorted(maps.Keys(object)) {
			if !yield(name, object[name]) {
				return
			}
		}
	}
}

var uuidShape = regexp.MustCompile(`(?i)^"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"$`)

func checkID(v json.RawMessage) []string {
	if kind(v) != "string" {
		return mismatch("string", v)
	}
	if !uuidShape.Match(v) {
		return []string{": Invalid UUID format"}
	}
	return nil
}

func checkName(v json.RawMessage) []string {
	if kind(v) != "string" {
		return mismatch("string", v)
	}
	if string(v) == `""` {
		return []string{": Character name is required"}
	}
	return nil
}

func checkBio(v json.RawMessage) []string {
	if kind(v) == "string" || (kind(v) == "array" && each("array", expect("string"))(v) == nil) {
		return nil
	}
	return []string{": Invalid input"}
}

func checkExample(v json.RawMessage) []string {
	if kind(v) != "object" {
		return mismatch("object", v)
	}
	var e struct{ Name, Content json.RawMessage }
	if err := json.Unmarshal(v, &e); err != nil {
		return []string{": Invalid input"}
	}
	var out []string
	for _, problem := range expect("string")(e.Name) {
		out = append(out, ".name"+problem)
	}
	for _, problem := range expect("object")(e.Content) {
		out = append(out, ".content"+problem)
	}
	return out
}

func checkKnowledge(v json.RawMessage) []string {
	var place struct{ Path, Directory, Shared json.RawMessage }
	switch kind(v) {
	case "string":
		return nil
	case "object":
		if err := json.Unmarshal(v, &place); err == nil &&
			(kind(place.Path) == "string") != (kind(place.Directory) == "string") &&
			(len(place.Shared) == 0 || kind(place.Shared) == "boolean") {
			return nil
		}
	}
	return []string{": Invalid input"}
}

func checkSecret(v json.RawMessage) []string {
	switch kind(v) {
	case "string", "boolean", "number":
		return nil
	}
	return []string{": Invalid input"}
}
