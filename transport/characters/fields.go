package characters

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// today has a reader for every field that has a place today, and for those of 0.x that have a meaning today.
var today = map[string]func(c *conversion, name string, value json.RawMessage){
	"id": readID, "name": readAsIs, "username": readText, "system": readText, "bio": readBio, "lore": readLore,
	"messageExamples": readExamples, "postExamples": readTexts, "topics": readTexts, "adjectives": readTexts, "plugins": readTexts,
	"knowledge": readKnowledge, "style": readStyle, "templates": readTemplates, "settings": readSettings, "secrets": readSecrets,
	"modelProvider": readProvider, "clients": readClients, "enabled": readAsIs,
}

var uuidShape = regexp.MustCompile(`(?i)^"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"$`)

func isUUID(v json.RawMessage) bool { return uuidShape.Match(v) }

func readAsIs(c *conversion, name string, value json.RawMessage) { c.now[name] = value }

func readID(c *conversion, name string, value json.RawMessage) {
	if !isUUID(value) {
		c.changed(name, Dropped, "it is no UUID; the agent's id derives from its name")
		return
	}
	c.now[name] = value
}

func readText(c *conversion, name string, value json.RawMessage) {
	switch all := texts(value); {
	case isString(value):
		c.now[name] = value
	case len(all) > 0:
		c.now[name] = encode(strings.Join(all, "\n"))
		c.changed(name, Converted, "a list became one text")
	}
}

func readBio(c *conversion, name string, value json.RawMessage) {
	if isString(value) && len(texts(value)) > 0 {
		c.now[name] = value
		return
	}
	if all := c.texts(name, value); len(all) > 0 {
		c.now[name] = encode(all)
	}
}

func readTexts(c *conversion, name string, value json.RawMessage) {
	if all := c.texts(name, value); len(all) > 0 || list(value) != nil {
		c.now[name] = encode(all)
	}
}

func readLore(c *conversion, name string, value json.RawMessage) { c.lore = c.texts(name, value) }

// texts reads a list of texts. One text is a list of one; entries of other kinds give the text in them, or are dropped.
func (c *conversion) texts(name string, value json.RawMessage) []string {
	all := []string{}
	entries := list(value)
	if entries == nil && !isEmpty(value) {
		entries = []json.RawMessage{value}
		c.changed(name, Converted, "it became a list")
	}
	for i, entry := range entries {
		switch found := texts(entry); {
		case len(found) == 0:
			c.changed(fmt.Sprintf("%s.%d", name, i), Dropped, "there is no text in it")
		case !isString(entry):
			c.changed(fmt.Sprintf("%s.%d", name, i), Converted, "it became a text")
			fallthrough
		default:
			all = append(all, found...)
		}
	}
	return all
}

// readExamples reads conversations of {user, content}. One that is not in a list of its own is a conversation of one line.
func readExamples(c *conversion, name string, value json.RawMessage) {
	talks, renamed := [][]map[string]json.RawMessage{}, map[string]bool{}
	if list(value) == nil && !isEmpty(value) {
		c.changed(name, Dropped, "it is no list of conversations")
	}
	for i, talk := range list(value) {
		lines := list(talk)
		if lines == nil {
			lines = []json.RawMessage{talk}
		}
		kept := []map[string]json.RawMessage{}
		for j, line := range lines {
			at := fmt.Sprintf("%s.%d.%d", name, i, j)
			fields := object(line)
			switch user, ok := fields["user"]; {
			case ok && fields["name"] == nil:
				fields["name"], renamed["user is name"] = user, true
			case ok && !isEmpty(user):
				c.changed(at+".user", Dropped, "there is a name already")
			}
			if delete(fields, "user"); !isString(fields["name"]) || !c.content(at, fields, renamed) {
				c.changed(at, Dropped, "it does not say who says what")
				continue
			}
			kept = append(kept, fields)
		}
		if len(kept) > 0 {
			talks = append(talks, kept)
		}
	}
	if len(renamed) > 0 {
		c.changed(name, Converted, "%s", strings.Join(slices.Sorted(maps.Keys(renamed)), ", "))
	}
	c.now[name] = encode(talks)
}

// content brings the content of an example into today's form, and reports whether there is any.
func (c *conversion) content(at string, line map[string]json.RawMessage, renamed map[string]bool) bool {
	if isString(line["content"]) {
		line["content"] = encode(map[string]json.RawMessage{"text": line["content"]})
	}
	content := object(line["content"])
	if action := content["action"]; isString(action) && content["actions"] == nil {
		content["actions"] = encode([]json.RawMessage{action})
		delete(content, "action")
		renamed["action is actions"] = true
	}
	for _, name := range slices.Sorted(maps.Keys(content)) {
		if fits, ok := contentFields[name]; ok && !fits(content[name]) {
			if !isEmpty(content[name]) {
				c.changed(at+".content."+name, Dropped, "it has another form today")
			}
			delete(content, name)
		}
	}
	line["content"] = encode(content)
	return content != nil
}

// contentFields are the fields of an example's content that have one form today.
var contentFields = map[string]func(json.RawMessage) bool{
	"text": isString, "thought": isString, "source": isString, "target": isString, "url": isString, "channelType": isString,
	"actions": isTexts, "providers": isTexts, "inReplyTo": isUUID, "attachments": func(v json.RawMessage) bool { return list(v) != nil },
}

// readKnowledge keeps texts, files and folders; what has a text in it gives that.
func readKnowledge(c *conversion, name string, value json.RawMessage) {
	entries, kept := list(value), []json.RawMessage{}
	if entries == nil && !isEmpty(value) {
		entries = []json.RawMessage{value}
		c.changed(name, Converted, "it became a list")
	}
	for i, entry := range entries {
		at, fields := fmt.Sprintf("%s.%d", name, i), object(entry)
		found := texts(entry)
		switch {
		case isString(entry):
			kept = append(kept, entry)
		case isString(fields["path"]), isString(fields["directory"]):
			if shared, ok := fields["shared"]; ok && string(shared) != "true" && string(shared) != "false" {
				delete(fields, "shared")
				c.changed(at+".shared", Dropped, "it is neither true nor false")
			}
			kept = append(kept, encode(fields))
		case len(found) > 0:
			kept = append(kept, encode(strings.Join(found, "\n")))
			c.changed(at, Converted, "it became a text")
		default:
			c.changed(at, Dropped, "there is no text in it, nor a path")
		}
	}
	c.now[name] = encode(kept)
}

// readStyle keeps lists of texts; a style that is a list, or a text, is the one for everything.
func readStyle(c *conversion, name string, value json.RawMessage) {
	fields, style := object(value), map[string]json.RawMessage{}
	if fields == nil {
		if all := c.texts(name, value); len(all) > 0 {
			c.now[name] = encode(map[string][]string{"all": all})
		}
		return
	}
	for _, part := range []string{"all", "chat", "post"} {
		if lines, ok := fields[part]; ok {
			style[part] = encode(c.texts(name+"."+part, lines))
			delete(fields, part)
		}
	}
	if len(fields) > 0 {
		c.keep(name, encode(fields), ": what is none of all, chat and post")
	}
	c.now[name] = encode(style)
}

func readTemplates(c *conversion, name string, value json.RawMessage) {
	templates := object(value)
	for _, key := range slices.Sorted(maps.Keys(templates)) {
		if !isString(templates[key]) {
			delete(templates, key)
			c.changed(name+"."+key, Dropped, "it is no text")
		}
	}
	if templates == nil {
		return
	}
	c.now[name] = encode(templates)
}

func readSettings(c *conversion, name string, value json.RawMessage) {
	fields := object(value)
	if fields == nil {
		if !isEmpty(value) {
			c.changed(name, Dropped, "settings are an object")
		}
		return
	}
	if secrets, ok := fields["secrets"]; ok && object(secrets) == nil {
		delete(fields, "secrets")
		c.changed(name+".secrets", Dropped, "secrets are an object")
	}
	c.now[name] = encode(fields)
}

func readSecrets(c *conversion, name string, value json.RawMessage) {
	secrets := object(value)
	for _, key := range slices.Sorted(maps.Keys(secrets)) {
		if secret := secrets[key]; object(secret) != nil || list(secret) != nil || string(secret) == "null" {
			delete(secrets, key)
			c.changed(name+"."+key, Dropped, "a secret is a text")
		}
	}
	if len(secrets) > 0 {
		c.now[name] = encode(secrets)
	}
}

func readProvider(c *conversion, name string, value json.RawMessage) {
	if isString(value) && !isEmpty(value) {
		c.provider = value
		c.changed(name, Converted, "it is settings.modelProvider")
	}
}

// readClients keeps the names of services as a hint.
func readClients(c *conversion, name string, value json.RawMessage) {
	if names := c.texts(name, value); len(names) > 0 {
		c.keep(name, encode(names), ": no character connects by itself to "+strings.Join(names, ", ")+" any more")
	}
}
