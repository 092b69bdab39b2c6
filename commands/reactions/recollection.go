package reactions

import (
	"encoding/json"

	"github.com/google/uuid"

	"annals/events"
)

// What agents remember has the shape that ElizaOS gives it (CONTRACT 2.7).

// channelType is the type that the message says its channel has, if any.
func channelType(m events.MessageSubmitted) string {
	return text(members(m.Metadata)["channelType"])
}

// heard is what an agent remembers of what somebody else said.
func heard(m events.MessageSubmitted, agent uuid.UUID) (content, metadata json.RawMessage) {
	said := map[string]any{"text": m.Content, "source": m.SourceType}
	if attachments := members(m.Metadata)["attachments"]; attachments != nil {
		said["attachments"] = attachments
	} else if attachments := members(m.RawMessage)["attachments"]; attachments != nil {
		said["attachments"] = attachments
	}
	if m.InReplyTo != uuid.Nil {
		said["inReplyTo"] = events.UniqueUUID(agent, m.InReplyTo.String())
	}
	raw := map[string]any{"senderName": m.AuthorName, "senderId": m.AuthorID}
	for key, value := range members(m.RawMessage) {
		raw[key] = value
	}
	return encode(said), encode(map[string]any{"type": "message", "source": m.SourceType, "sourceId": m.MessageID, "raw": raw})
}

// spoken is what an agent remembers of what it said itself.
func spoken(m events.MessageSubmitted, agent uuid.UUID) json.RawMessage {
	raw := members(m.RawMessage)
	said := map[string]any{"text": m.Content, "simple": true, "actions": []string{"REPLY"}, "providers": []string{}}
	for _, key := range []string{"thought", "actions", "providers", "simple", "attachments"} {
		if raw[key] != nil {
			said[key] = raw[key]
		}
	}
	if said["thought"] == nil {
		said["thought"] = ""
	}
	if m.InReplyTo != uuid.Nil {
		said["inReplyTo"] = events.UniqueUUID(agent, m.InReplyTo.String())
	}
	return encode(said)
}

// silence is what an agent remembers of having said nothing to what it remembers by an id.
func silence(thought string, to uuid.UUID) json.RawMessage {
	return encode(map[string]any{"thought": thought, "actions": []string{"IGNORE"}, "simple": true, "inReplyTo": to})
}

// withText is a content with another text.
func withText(content json.RawMessage, text string) (json.RawMessage, error) {
	all := members(content)
	if all == nil {
		all = map[string]json.RawMessage{}
	}
	all["text"] = encode(text)
	return json.Marshal(all)
}

// members opens an object one level deep; of what is none it gives nothing, and members that are null are left out.
func members(raw json.RawMessage) map[string]json.RawMessage {
	var all map[string]json.RawMessage
	if json.Unmarshal(raw, &all) != nil {
		return nil
	}
	for key, value := range all {
		if string(value) == "null" {
			delete(all, key)
		}
	}
	return all
}

// text is a member that is one, and empty otherwise.
func text(raw json.RawMessage) (s string) {
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// encode writes what is made of texts, ids and JSON that was read.
func encode(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // no such value is among them
	}
	return raw
}
