package events

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
)

// Character is who an agent is, as ElizaOS 1.2.0 writes it (CONTRACT 2.4). Free parts stay as the JSON they came as.
type Character struct {
	Name            string                     `json:"name"`
	Username        string                     `json:"username,omitempty"`
	System          string                     `json:"system,omitempty"`
	Bio             json.RawMessage            `json:"bio,omitempty" erased:"text"` // a string or an array of strings
	Templates       json.RawMessage            `json:"templates,omitempty"`
	MessageExamples json.RawMessage            `json:"messageExamples,omitempty"`
	PostExamples    []string                   `json:"postExamples,omitempty"`
	Topics          []string                   `json:"topics,omitempty"`
	Adjectives      []string                   `json:"adjectives,omitempty"`
	Knowledge       json.RawMessage            `json:"knowledge,omitempty"`
	Plugins         []string                   `json:"plugins,omitempty"`
	Settings        map[string]json.RawMessage `json:"settings,omitempty"` // without "secrets"
	Secrets         map[string]Secret          `json:"secrets,omitempty"`  // what clients see as settings.secrets
	Style           json.RawMessage            `json:"style,omitempty"`
}

// PublicSettings is what clients see as settings: the secrets, in their encrypted form, under "secrets".
func (c Character) PublicSettings() (map[string]json.RawMessage, error) {
	out := maps.Clone(c.Settings)
	if out == nil {
		out = map[string]json.RawMessage{}
	}
	if len(c.Secrets) == 0 {
		return out, nil
	}
	secrets, err := json.Marshal(c.Secrets)
	if err != nil {
		return nil, err
	}
	out["secrets"] = secrets
	return out, nil
}

// Public is the character as clients see it: the secrets stand in the settings, in their encrypted form.
func (c Character) Public() (Character, error) {
	settings, err := c.PublicSettings()
	c.Settings, c.Secrets = settings, nil
	return c, err
}

// maskedSecret stands for the value of a secret.
const maskedSecret = `"[secret]"`

// MaskSecrets returns the event with the names of an agent's secrets, and without their values: an encrypted value and the salt
// together give the secret.
func MaskSecrets(e Event) Event {
	switch f := e.(type) {
	case AgentCreated:
		f.Character = f.Character.masked()
		return f
	case AgentUpdated:
		f.Character = f.Character.masked()
		return f
	}
	return e
}

// SecretsIn returns the secrets of an agent that an event names.
func SecretsIn(e Event) map[string]Secret {
	switch f := e.(type) {
	case AgentCreated:
		return f.Character.Secrets
	case AgentUpdated:
		return f.Character.Secrets
	}
	return nil
}

func (c Character) masked() Character {
	if len(c.Secrets) == 0 {
		return c
	}
	masked := make(map[string]Secret, len(c.Secrets))
	for name := range c.Secrets {
		masked[name] = NewSecret(json.RawMessage(maskedSecret))
	}
	c.Secrets = masked
	return c
}

// MaskSettings returns an agent's settings, as clients see them, with the values of the secrets masked.
func MaskSettings(settings json.RawMessage) (json.RawMessage, error) {
	var all map[string]json.RawMessage
	var secrets map[string]json.RawMessage
	if json.Unmarshal(settings, &all) != nil || json.Unmarshal(all["secrets"], &secrets) != nil || len(secrets) == 0 {
		return settings, nil // there are none
	}
	for name := range secrets {
		secrets[name] = json.RawMessage(maskedSecret)
	}
	var err error
	if all["secrets"], err = json.Marshal(secrets); err != nil {
		return nil, err
	}
	return json.Marshal(all)
}

// Secret is one value of a character's secrets: a JSON value whose strings are already in ElizaOS's encrypted form
// (CONTRACT 2.3). It prints and logs masked; only Reveal gives the value away.
type Secret struct{ value *json.RawMessage } // behind a pointer, which fmt does not follow where it may not call String

// NewSecret wraps a JSON value.
func NewSecret(v json.RawMessage) Secret { return Secret{value: &v} }

// Reveal gives the JSON value, null for the zero Secret.
func (s Secret) Reveal() json.RawMessage {
	if s.value == nil || len(*s.value) == 0 {
		return json.RawMessage("null")
	}
	return *s.value
}

// String implements fmt.Stringer.
func (Secret) String() string { return "[secret]" }

// GoString implements fmt.GoStringer.
func (Secret) GoString() string { return "[secret]" }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// MarshalJSON writes the value as it is: it is encrypted already, and events are sealed besides.
func (s Secret) MarshalJSON() ([]byte, error) { return s.Reveal(), nil }

// UnmarshalJSON keeps the value as it is.
func (s *Secret) UnmarshalJSON(b []byte) error {
	*s = NewSecret(bytes.Clone(b))
	return nil
}
