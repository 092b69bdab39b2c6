package openai

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"annals/commands/reactions"
	"annals/transport/models/remote"
)

// Settings are those of an endpoint, of the server or of a character.
type Settings struct {
	Key     string `name:"openai-api-key" env:"OPENAI_API_KEY" help:"Key of an OpenAI-compatible endpoint. Prefer the environment." role:"key"`
	BaseURL string `name:"openai-base-url" env:"OPENAI_BASE_URL" help:"An OpenAI-compatible endpoint (OpenAI, Ollama, vLLM, llama.cpp …)." role:"address"`
	Model   string `name:"openai-model" env:"OPENAI_LARGE_MODEL" default:"gpt-4o-mini" help:"Model that agents speak with." role:"model"`
}

// Name implements models.Provider.
func (Settings) Name() string { return "openai" }

// Chosen implements models.Provider: an endpoint of one's own may want no key.
func (s Settings) Chosen() bool { return s.Key != "" || s.BaseURL != "" }

// Text implements models.Provider.
func (s Settings) Text(t http.RoundTripper) reactions.Text {
	return New(Options{APIKey: s.Key, BaseURL: s.BaseURL, Model: s.Model, Transport: t})
}

// embedding is what OpenAI's own endpoint embeds with where no model is named, as in ElizaOS.
const embedding = "text-embedding-3-small"

// Embedder implements models.Embeds: the model that is named, or OpenAI's own at OpenAI's own endpoint. Other endpoints need not have one.
func (s Settings) Embedder(model string, dimensions int) reactions.Embedder {
	if !s.Chosen() || s.BaseURL != "" && model == "" {
		return nil
	}
	return NewEmbedder(EmbedderOptions{APIKey: s.Key, BaseURL: s.BaseURL, Model: cmp.Or(model, embedding), Dimensions: dimensions})
}

// Probe implements models.Prober: it asks for the list of models.
func (s Settings) Probe(ctx context.Context) error {
	header := http.Header{}
	if s.Key != "" {
		header.Set("Authorization", "Bearer "+s.Key)
	}
	return remote.Probe(ctx, remote.New(s.Model, s.Key, 0, 0), cmp.Or(strings.TrimSuffix(s.BaseURL, "/"), "https://api.openai.com/v1")+"/models", header)
}
