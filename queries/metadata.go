package queries

import (
	"bytes"
	"encoding/json"
)

// shown gives a message's raw form and metadata as a list shows them: a raw form that is JSON in a string is opened, and
// its thought and actions are copied to the metadata, which is an object in any case.
func shown(raw, metadata json.RawMessage) (json.RawMessage, json.RawMessage) {
	raw = opened(raw)
	if !isObject(metadata) {
		metadata = json.RawMessage(`{}`)
	}
	if !isObject(raw) || !mayName(raw, "thought", "actions", "attachments") {
		return raw, metadata
	}
	var said struct {
		Thought     json.RawMessage `json:"thought"`
		Actions     json.RawMessage `json:"actions"`
		Attachments json.RawMessage `json:"attachments"`
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(raw, &said) != nil || json.Unmarshal(metadata, &all) != nil {
		return raw, metadata
	}
	if said.Thought != nil {
		all["thought"] = said.Thought
	}
	if said.Actions != nil {
		all["actions"] = said.Actions
	}
	if said.Attachments != nil {
		all["attachments"] = said.Attachments
	}
	if merged, err := json.Marshal(all); err == nil {
		metadata = merged
	}
	return raw, metadata
}

// opened gives the JSON that a JSON string holds, and anything else as it is.
func opened(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || raw[0] != '"' {
		return raw
	}
	var inner string
	if json.Unmarshal(raw, &inner) == nil && json.Valid([]byte(inner)) {
		return json.RawMessage(inner)
	}
	return raw
}

func isObject(raw json.RawMessage) bool {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	return len(raw) > 0 && raw[0] == '{'
}

// mayName spares most messages the decoding: a key can be there only in plain or with an escape.
func mayName(raw json.RawMessage, keys ...string) bool {
	for _, key := range keys {
		if bytes.Contains(raw, []byte(key)) {
			return true
		}
	}
	return bytes.Contains(raw, []byte(`\u`))
}
