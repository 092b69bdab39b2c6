// Package models knows every provider of models. Each describes itself in its package; here is the one list of them, and what follows from the
// descriptions: flags, validation, the models that the server uses, capabilities, and what a doctor looks at.
package models

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"annals/commands/reactions"
	"annals/transport/models/anthropic"
	"annals/transport/models/classic"
	"annals/transport/models/glove"
	"annals/transport/models/hashing"
	"annals/transport/models/openai"
)

// First and Settings are the settings of all providers, as flags. A new provider is one line in Settings. There are two structs because --help has other
// flags between them.
type (
	First struct {
		OpenAI openai.Settings `embed:""`
	}
	Settings struct {
		Anthropic anthropic.Settings `embed:""`
		Embedding Embedding          `embed:""`
	}
)

// Embedders are the settings that memories are embedded by.
type Embedders struct {
	OpenAI    openai.Settings `embed:""`
	Embedding Embedding       `embed:""`
}

// Server is a server with these settings alone.
func (e Embedders) Server() Server {
	return Server{First: First{OpenAI: e.OpenAI}, Settings: Settings{Embedding: e.Embedding}}
}

// Validate refuses settings with which no model could ever answer.
func (e Embedders) Validate() error { return e.Server().Check() }

// Embedding names the model that memories are embedded with.
type Embedding struct {
	Model      string `name:"openai-embedding-model" env:"OPENAI_EMBEDDING_MODEL" help:"Model that memories are embedded with. OpenAI's own endpoint has text-embedding-3-small otherwise; without either, the embedded glove-384 does it, or hashing-384 where that is named."`
	Dimensions int    `name:"openai-embedding-dimensions" env:"OPENAI_EMBEDDING_DIMENSIONS" help:"Dimensions to ask that model for; otherwise what it gives."`
}

// Provider is a way to models. Each package of a provider has a struct of its settings that implements it. The fields are tagged as flags are, and
// by their role for a model: "key" is a secret that goes to the endpoint, "address" is its URL, and "model" the model's name.
type Provider interface {
	// Name is the provider's in a character's settings.modelProvider.
	Name() string
	// Chosen reports whether the settings ask for the provider.
	Chosen() bool
	// Text makes the model that agents speak with, whose requests go through the transport, http.DefaultTransport if nil. It asks nothing yet.
	Text(http.RoundTripper) reactions.Text
}

// Embeds is a Provider with models that embed texts.
type Embeds interface {
	// Embedder makes the model of that name, or the provider's usual one. It returns nil if the settings ask for none.
	Embedder(model string, dimensions int) reactions.Embedder
}

// Prober is a Provider whose endpoint can be asked whether it would answer.
type Prober interface {
	Probe(context.Context) error
}

// Server is what the server was given for its models.
type Server struct {
	First    First
	Settings Settings
}

// providers are in the order in which they are chosen: Anthropic goes before an OpenAI-compatible endpoint, as in ElizaOS, and ELIZA is last.
func (s Server) providers() []Provider {
	var all []Provider
	for _, group := range []any{s.Settings, s.First} {
		for field := range fieldsOf(group) {
			if p, ok := field.value.Interface().(Provider); ok {
				all = append(all, p)
			}
		}
	}
	return append(all, classic.Settings{})
}

// chosen is the provider that the server's agents speak through.
func (s Server) chosen() Provider {
	for _, p := range s.providers() {
		if p.Chosen() {
			return p
		}
	}
	return classic.Settings{} // is in the list
}

// Offline are the models that embed without a network, the usual one first.
func Offline() []reactions.Embedder {
	return []reactions.Embedder{glove.Embedder{}, hashing.Embedder{}}
}

// Embedder makes the model that memories are embedded with.
func (s Server) Embedder() reactions.Embedder {
	named := s.Settings.Embedding
	for _, m := range Offline() {
		if m.Model() == named.Model {
			return m
		}
	}
	for _, p := range s.providers() {
		if e, ok := p.(Embeds); ok {
			if model := e.Embedder(named.Model, named.Dimensions); model != nil {
				return model
			}
		}
	}
	return Offline()[0]
}

// Scale says how the similarities of a model are to be read: that of texts that have nothing to do with each other, that from which on a
// memory is near, and what the meaning counts beside the words. The zero Scale is of a model that nothing is known of.
type Scale struct{ Unrelated, Near, Counts float64 }

// ScaleOf returns the scale of a model. Those of the models that embed here were measured.
func ScaleOf(model string) Scale {
	switch model {
	case glove.Model:
		return Scale{Unrelated: 0.2, Near: 0.2, Counts: 0.4}
	case hashing.Model:
		return Scale{Unrelated: 0, Near: 0.15, Counts: 0.3}
	}
	return Scale{}
}

// Check refuses settings with which no model could ever answer.
func (s Server) Check() error {
	for _, p := range s.providers() {
		for field := range fieldsOf(p) {
			if address := field.value.String(); field.role == roleAddress && address != "" && !isURL(address) {
				return fmt.Errorf("%s is no URL that begins with http:// or https://", field.env)
			}
		}
	}
	if s.Settings.Embedding.Dimensions < 0 {
		return errors.New("OPENAI_EMBEDDING_DIMENSIONS is negative")
	}
	return nil
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// Capability is a model in use.
type Capability struct{ Kind, Provider, Model string }

// Capabilities names the models in use.
func (s Server) Capabilities() []Capability {
	p := s.chosen()
	text := Capability{Kind: "text", Provider: p.Name()}
	if named, ok := p.Text(nil).(reactions.Provider); ok {
		text.Provider = named.Provider()
	}
	for field := range fieldsOf(p) {
		if field.role == roleModel {
			text.Model = field.value.String()
		}
	}
	return []Capability{text}
}

// Probe asks whether the endpoint of the server's agents would answer, and names the settings that it is known by.
func (s Server) Probe(ctx context.Context) (settings []string, err error) {
	chosen := s.chosen()
	if p, ok := chosen.(Prober); ok {
		err = p.Probe(ctx)
	}
	return namesIn(chosen), err
}

// Environment lists the names of all settings.
func Environment() []string {
	var names []string
	for _, group := range []any{First{}, Settings{}} {
		names = append(names, namesIn(group)...)
	}
	return names
}
