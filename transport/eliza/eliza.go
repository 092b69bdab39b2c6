// Package eliza reads what clients of ElizaOS say in the words of JavaScript, whichever way they come.
package eliza

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
)

// Truthy reports whether JavaScript takes a JSON value for true; nothing is false.
func Truthy(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	switch string(raw) {
	case "", "null", "false", `""`:
		return false
	}
	if raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return true
	}
	number, err := strconv.ParseFloat(string(raw), 64)
	return err != nil || number != 0
}

// ChannelDefaults reads from the metadata of a message how its channel is made where there is none yet (CONTRACT 4.7, 5.3). by
// names the way that the message came.
func ChannelDefaults(by string, metadata map[string]json.RawMessage) commands.ChannelDefaults {
	d := commands.ChannelDefaults{By: by, Metadata: metadata}
	d.DM = Truthy(metadata["isDm"]) || text(metadata["channelType"]) == "DM" || text(metadata["channel_type"]) == "DM"
	for _, key := range []string{"recipientId", "targetUserId"} { // the latter wins
		if id, err := events.ParseID(text(metadata[key])); err == nil {
			d.Target = id
		}
	}
	return d
}

// SameID bounds how many texts of a client may have one id of its own; later ones count as if they had none.
const SameID = 16

// MessageID is the id of the n-th text that an author calls by an id of its own in a channel. One that is a UUID names the message for
// ever, any other within a session: clients number their messages anew. It is none where the client names none.
func MessageID(channel, author uuid.UUID, session, own string, n int) uuid.UUID {
	parts := []string{author.String()}
	if id, err := events.ParseID(own); err == nil {
		parts = append(parts, id.String())
	} else if session != "" && own != "" {
		parts = append(parts, session, own)
	} else {
		return uuid.Nil
	}
	if n > 0 {
		parts = append(parts, strconv.Itoa(n))
	}
	return events.Derive(channel, parts...)
}

// text is a JSON string, empty for anything else.
func text(raw json.RawMessage) (s string) {
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}
