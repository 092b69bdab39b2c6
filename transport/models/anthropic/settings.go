package anthropic

import (
	"cmp"
	"context"
	"net/http"

	"annals/commands/reactions"
	"annals/transport/models/remote"
)

// Settings are those of Anthropic's API, of the server or of a character.
type Settings struct {
	Key     string `name:"anthropic-api-key" env:"ANTHROPIC_API_KEY" help:"Key of Anthropic's API, which agents then speak with. Prefer the environment." role:"key"`
	BaseURL string `name:"anthropic-base-url" env:"ANTHROPIC_BASE_URL" help:"Where Anthropic's API is, if not at Anthropic's." role:"address"`
	Model   string `name:"anthropic-model" env:"ANTHROPIC_LARGE_MODEL" default:"claude-sonnet-5-5" help:"Anthropic's model that agents speak with." role:"model"`
}

// Name implements models.Provider.
func (Settings) Name() string { return "anthropic" }

// Chosen implements models.Provider.
func (s Settings) Chosen() bool { return s.Key != "" }

// Text implements models.Provider.
func (s Settings) Text(t http.RoundTripper) reactions.Text {
	return New(Options{APIKey: s.Key, BaseURL: s.BaseURL, Model: s.Model, Transport: t})
}

// Probe implements models.Prober: it asks for the list of models.
func (s Settings) Probe(ctx context.Context) error {
	header := http.Header{"X-Api-Key": {s.Key}, "Anthropic-Version": {"2023-06-01"}}
	return remote.Probe(ctx, remote.New(s.Model, s.Key, 0, 0), cmp.Or(base(s.BaseURL), "https://api.anthropic.com")+"/v1/models", header)
}
