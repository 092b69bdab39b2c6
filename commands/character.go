package commands

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"annals/events"
)

// ParseCharacter reads a character as ElizaOS writes it and refuses what ElizaOS refuses (CONTRACT 2.4), in its words.
// Strings among the secrets are expected to be encrypted already.
func ParseCharacter(raw json.RawMessage) (events.Character, error) {
	switch {
	case !json.Valid(raw):
		return events.Character{}, invalidCharacter([]string{": not valid JSON"})
	case kind(raw) != "object":
		return events.Character{}, invalidCharacter([]string{": Expected object, received " + kind(raw)})
	}
	issues := shape(characterFields)(raw)
	for i, issue := range issues {
		issues[i] = strings.TrimPrefix(issue, ".")
	}
	if unknown := unknownFields(raw); len(unknown) > 0 {
		issues = append(issues, ": Unrecognized key(s) in object: '"+strings.Join(unknown, "', '")+"'")
	}
	if len(issues) > 0 {
		return events.Character{}, invalidCharacter(issues)
	}
	return buildCharacter(raw)
}

func invalidCharacter(issues []string) error {
	return fmt.Errorf("%w: Character validation failed: %s", ErrRefused, strings.Join(issues, "; "))
}

// buildCharacter fills the struct from a checked object. Secrets may stand at the top level or in the settings.
func buildCharacter(raw json.RawMessage) (events.Character, error) {
	var c events.Character
	last := maps.Collect(members(raw)) // of equal keys, which would be merged if the struct were filled from raw
	whole, err := json.Marshal(last)
	if err == nil {
		err = json.Unmarshal(whole, &c)
	}
	if err != nil {
		return c, fmt.Errorf("%w: Character validation failed: %w", ErrRefused, err)
	}
	c.Name = events.TrimAgentName(c.Name)
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
