package commands

import (
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"annals/events"
)

// UpdateAgent changes parts of an agent's character. Settings are merged at every depth, where null deletes a key and an
// object emptied by that is removed; all else replaces. The id, secrets outside the settings, null for the settings, and keys
// that are neither enabled nor part of a character are ignored, as in ElizaOS.
type UpdateAgent struct {
	Unconditional[Agent]

	AgentID uuid.UUID
	// Patch holds the parts to change, as ElizaOS names them. Strings among the secrets are encrypted already.
	Patch map[string]json.RawMessage
	// Renew encrypts a secret anew that an earlier salt encrypted. It is called for each when the agent changes; nil leaves them.
	Renew func(name string, s events.Secret) events.Secret
}

// Stream implements Command.
func (c UpdateAgent) Stream() events.StreamID { return events.AgentStream(c.AgentID) }

// Decide implements Command.
func (c UpdateAgent) Decide(_ Request, a Agent, _ Nothing) ([]events.Event, error) {
	if !a.Exists {
		return nil, noAgent(c.AgentID)
	}
	next, err := c.apply(a.Character)
	if err != nil {
		return nil, err
	}
	disabled := a.Disabled
	switch string(c.Patch["enabled"]) {
	case "true", "false": // anything else is ignored, as in ElizaOS
		disabled = string(c.Patch["enabled"]) == "false"
	}
	if disabled == a.Disabled && sameJSON(next, a.Character) {
		return nil, nil
	}
	if c.Renew != nil {
		for name, secret := range next.Secrets {
			next.Secrets[name] = c.Renew(name, secret)
		}
	}
	return []events.Event{events.AgentUpdated{AgentID: c.AgentID, Character: next, Disabled: disabled}}, nil
}

func (c UpdateAgent) apply(old events.Character) (events.Character, error) {
	fields, err := characterObject(old)
	if err != nil {
		return old, err
	}
	for _, f := range characterFields {
		v, ok := c.Patch[f.name]
		switch {
		case !ok || f.name == "id" || f.name == "secrets" || f.name == "settings" && kind(v) == "null":
		case f.name == "settings" && kind(v) == "object":
			if fields[f.name], err = merge(fields[f.name], v); err != nil {
				return old, err
			}
		case kind(v) == "null" && !f.required:
			delete(fields, f.name)
		default:
			fields[f.name] = v
		}
	}
	whole, err := json.Marshal(fields)
	if err != nil {
		return old, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return ParseCharacter(whole)
}

// characterObject is the character as a client would send it.
func characterObject(c events.Character) (map[string]json.RawMessage, error) {
	public, err := c.Public()
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(public)
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	err = json.Unmarshal(raw, &fields)
	return fields, err
}
