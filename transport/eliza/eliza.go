// Package eliza reads what clients of ElizaOS say in the words of JavaScript, whichever way they come.
package eliza

import (
	"bytes"
	"encoding/json"
	"strconv"

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

// text is a JSON string, empty for anything else.
func text(raw json.RawMessage) (s string) {
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}
