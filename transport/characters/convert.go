// Package characters brings character files of ElizaOS 0.x into today's format.
package characters

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// What became of a field.
const (
	Converted = "converted" // it is in today's place, or in today's form
	Kept      = "kept"      // it has no place today, and is under settings.imported
	Dropped   = "dropped"
)

// Field says what became of one field of an old file.
type Field struct {
	Field   string `json:"field"`
	Outcome string `json:"outcome" enum:"converted,kept,dropped"`
	Note    string `json:"note,omitempty"`
}

// ErrNoBio refuses an old file that describes its character nowhere.
var ErrNoBio = errors.New("the character file is of ElizaOS 0.x and has no bio, and neither lore nor system to take one from")

// maxKept bounds a field that is kept under settings.imported, in bytes.
const maxKept = 16 << 10

// Convert returns a character in today's format, and what became of the fields that had to change. A character that has no sign of
// the old format is returned as it is: strict readers go on to refuse what they do not know in it.
func Convert(character json.RawMessage) (json.RawMessage, []Field, error) {
	return convert(character, true)
}

// ConvertPatch is Convert for parts of a character: no bio is needed, and null, which deletes, stays.
func ConvertPatch(parts json.RawMessage) (json.RawMessage, []Field, error) {
	return convert(parts, false)
}

func convert(raw json.RawMessage, whole bool) (json.RawMessage, []Field, error) {
	fields := object(raw)
	if !isOld(fields) {
		return raw, nil, nil
	}
	c := conversion{old: fields, now: map[string]json.RawMessage{}, imported: map[string]json.RawMessage{}, whole: whole}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		switch read, known := today[name]; {
		case !whole && string(fields[name]) == "null":
			c.now[name] = fields[name]
		case known:
			read(&c, name, fields[name])
		default:
			c.keep(name, fields[name], "")
		}
	}
	if err := c.describe(); err != nil {
		return nil, nil, err
	}
	c.settle()
	c.nameTheRest()
	converted, err := json.Marshal(c.now)
	return converted, c.changes, err
}

// oldFields are those that only characters of 0.x have.
var oldFields = []string{
	"clients", "clientConfig", "lore", "modelProvider", "imageModelProvider", "imageVisionModelProvider", "modelEndpointOverride",
	"twitterProfile", "instagramProfile", "simsaiProfile",
}

var oldExample = regexp.MustCompile(`"user"\s*:`)

// isOld reports whether a field, or an example's speaker, is named as in 0.x.
func isOld(fields map[string]json.RawMessage) bool {
	for _, name := range oldFields {
		if _, ok := fields[name]; ok {
			return true
		}
	}
	if !oldExample.Match(fields["messageExamples"]) {
		return false
	}
	for _, talk := range list(fields["messageExamples"]) {
		for _, line := range append(list(talk), talk) {
			if f := object(line); f["user"] != nil && f["name"] == nil {
				return true
			}
		}
	}
	return false
}

// conversion is one character on its way.
type conversion struct {
	old, now, imported map[string]json.RawMessage
	changes            []Field
	lore               []string
	secrets            map[string]json.RawMessage // besides those that are in the settings already
	provider           json.RawMessage
	whole              bool
}

func (c *conversion) changed(field, outcome, note string, args ...any) {
	c.changes = append(c.changes, Field{Field: field, Outcome: outcome, Note: fmt.Sprintf(note, args...)})
}

// describe sees to a bio.
func (c *conversion) describe() error {
	bio := texts(c.now["bio"])
	switch {
	case len(bio) > 0 && len(c.lore) > 0:
		c.now["bio"] = encode(append(bio, c.lore...))
		c.changed("lore", Converted, "it follows the bio")
	case len(bio) > 0:
	case c.whole && len(c.lore) > 0:
		c.now["bio"] = encode(c.lore)
		c.changed("lore", Converted, "it is the bio, as there was none")
	case len(c.lore) > 0:
		c.keep("lore", encode(c.lore), ": there is no bio for it to follow")
	case c.whole && len(texts(c.now["system"])) > 0:
		c.now["bio"] = c.now["system"]
		c.changed("system", Converted, "it is the bio as well, as there was none")
	case c.whole:
		return ErrNoBio
	}
	return nil
}

// settle puts into the settings what belongs there.
func (c *conversion) settle() {
	settings := object(c.now["settings"])
	if settings == nil {
		settings = map[string]json.RawMessage{}
	}
	if _, ok := settings["modelProvider"]; !ok && c.provider != nil {
		settings["modelProvider"] = c.provider
	}
	if len(c.imported) > 0 {
		imported := object(settings["imported"])
		if imported == nil {
			imported = map[string]json.RawMessage{}
		}
		maps.Copy(imported, c.imported)
		settings["imported"] = encode(imported)
	}
	if len(c.secrets) > 0 {
		secrets := object(settings["secrets"])
		if secrets == nil {
			secrets = map[string]json.RawMessage{}
		}
		for name, value := range c.secrets {
			if _, ok := secrets[name]; !ok {
				secrets[name] = value
			}
		}
		settings["secrets"] = encode(secrets)
	}
	if len(settings) > 0 {
		c.now["settings"] = encode(settings)
	}
}

// keep puts what has no place today under settings.imported, without what looks like a secret: settings are shown.
func (c *conversion) keep(name string, value json.RawMessage, note string) {
	switch {
	case isEmpty(value): // see nameTheRest
	case secretName.MatchString(name) && len(value) > 0 && value[0] == '"':
		if c.secrets == nil {
			c.secrets = map[string]json.RawMessage{}
		}
		c.secrets[name] = value
		c.changed(name, Converted, "it looks like a secret, and is one of settings.secrets")
	case len(value) > maxKept:
		c.changed(name, Dropped, "it is unknown, and longer than %d bytes", maxKept)
	default:
		c.imported[name] = c.withoutSecrets(name, value)
		c.changed(name, Kept, "it is settings.imported.%s%s", name, note)
	}
}

// nameTheRest names what is gone and has no reason yet: it was empty, or nothing in it could be used.
func (c *conversion) nameTheRest() {
	for _, name := range slices.Sorted(maps.Keys(c.old)) {
		_, there := c.now[name]
		named := slices.ContainsFunc(c.changes, func(ch Field) bool { return ch.Field == name })
		if !there && !named {
			c.changed(name, Dropped, "there is nothing in it that has a place today")
		}
	}
}

var secretName = regexp.MustCompile(`(?i)passw|passphrase|secret|token|api_?key|private_?key|mnemonic|cookie|credential|bearer`)

// withoutSecrets drops every text under a name of a secret.
func (c *conversion) withoutSecrets(path string, value json.RawMessage) json.RawMessage {
	switch fields, items := object(value), list(value); {
	case fields != nil:
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			inner := path + "." + name
			if v := fields[name]; secretName.MatchString(name) && v[0] == '"' {
				delete(fields, name)
				c.changed(inner, Dropped, "it looks like a secret: settings.secrets is the place for it")
			} else {
				fields[name] = c.withoutSecrets(inner, v)
			}
		}
		return encode(fields)
	case items != nil:
		for i, v := range items {
			items[i] = c.withoutSecrets(fmt.Sprintf("%s.%d", path, i), v)
		}
		return encode(items)
	}
	return value
}
