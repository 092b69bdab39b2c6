package models

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"annals/transport/models/anthropic"
	"annals/transport/models/glove"
	"annals/transport/models/hashing"
	"annals/transport/models/openai"
)

func server(o openai.Settings, a anthropic.Settings, e Embedding) Server {
	return Server{First{o}, Settings{a, e}}
}

func TestTheServersModelIsTheOneThatIsSet(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		server Server
		want   Capability
	}{
		"nothing":           {Server{}, Capability{"text", "classic", ""}},
		"a model alone":     {server(openai.Settings{Model: "m"}, anthropic.Settings{Model: "n"}, Embedding{}), Capability{"text", "classic", ""}},
		"OpenAI":            {server(openai.Settings{Key: "k", Model: "m"}, anthropic.Settings{Model: "n"}, Embedding{}), Capability{"text", "openai", "m"}},
		"another endpoint":  {server(openai.Settings{BaseURL: "http://localhost/v1", Model: "m"}, anthropic.Settings{}, Embedding{}), Capability{"text", "openai-compatible", "m"}},
		"Anthropic":         {server(openai.Settings{Model: "m"}, anthropic.Settings{Key: "k", Model: "n"}, Embedding{}), Capability{"text", "anthropic", "n"}},
		"Anthropic and one": {server(openai.Settings{Key: "k", Model: "m"}, anthropic.Settings{Key: "k", Model: "n"}, Embedding{}), Capability{"text", "anthropic", "n"}},
	} {
		if got := c.server.Capabilities(); !slices.Equal(got, []Capability{c.want}) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestMemoriesAreEmbeddedWithTheModelThatIsNamed(t *testing.T) {
	t.Parallel()
	openAI, own := openai.Settings{Key: "k"}, openai.Settings{BaseURL: "http://localhost/v1"}
	for name, c := range map[string]struct {
		server Server
		model  string
	}{
		"nothing":                       {Server{}, glove.Model},
		"OpenAI":                        {server(openAI, anthropic.Settings{}, Embedding{}), "text-embedding-3-small"},
		"OpenAI, another model":         {server(openAI, anthropic.Settings{}, Embedding{Model: "e"}), "e"},
		"another endpoint":              {server(own, anthropic.Settings{}, Embedding{}), glove.Model},
		"another endpoint, a model":     {server(own, anthropic.Settings{}, Embedding{Model: "e"}), "e"},
		"OpenAI, but hashing":           {server(openAI, anthropic.Settings{}, Embedding{Model: hashing.Model}), hashing.Model},
		"Anthropic, which has no model": {server(openAI, anthropic.Settings{Key: "k"}, Embedding{}), "text-embedding-3-small"},
		"a model without an endpoint":   {server(openai.Settings{}, anthropic.Settings{Key: "k"}, Embedding{Model: "e"}), glove.Model},
	} {
		if got := c.server.Embedder().Model(); got != c.model {
			t.Errorf("%s: %s, want %s", name, got, c.model)
		}
	}
}

func TestSettingsWithWhichNoModelCouldAnswerAreRefused(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]Server{
		"":                             server(openai.Settings{BaseURL: "http://localhost:11434/v1"}, anthropic.Settings{BaseURL: "https://a.example"}, Embedding{}),
		"OPENAI_BASE_URL is no URL":    server(openai.Settings{BaseURL: "localhost:11434"}, anthropic.Settings{}, Embedding{}),
		"ANTHROPIC_BASE_URL is no URL": server(openai.Settings{}, anthropic.Settings{BaseURL: "ftp://a.example"}, Embedding{}),
		"DIMENSIONS is negative":       server(openai.Settings{}, anthropic.Settings{}, Embedding{Dimensions: -1}),
	} {
		if err := s.Check(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestEveryProviderDescribesItsSettings(t *testing.T) {
	t.Parallel()
	names := Environment()
	for _, p := range (Server{}).providers() {
		typ := reflect.TypeOf(p)
		if !typ.Comparable() {
			t.Errorf("%s: models are kept by their settings, which cannot be compared", p.Name())
		}
		for i := range typ.NumField() {
			f := typ.Field(i)
			if env := f.Tag.Get("env"); env == "" || !slices.Contains(names, env) || f.Tag.Get("name") == "" || f.Tag.Get("help") == "" {
				t.Errorf("%s: %s lacks the name, the environment's name, or help", p.Name(), f.Name)
			}
			if role := f.Tag.Get("role"); role != "" && !slices.Contains([]string{roleKey, roleAddress, roleModel}, role) {
				t.Errorf("%s: %s has the role %q", p.Name(), f.Name, role)
			}
		}
	}
}

func TestADoctorHearsWhetherTheModelWouldAnswer(t *testing.T) {
	t.Parallel()
	const key = "sk-never-to-be-seen"
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/v1/models":
			http.NotFound(w, r)
		case r.Header.Get("Authorization") != "Bearer "+key && r.Header.Get("X-Api-Key") != key:
			http.Error(w, "Not with "+r.Header.Get("Authorization"), http.StatusUnauthorized)
		}
	}))
	defer endpoint.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	for name, c := range map[string]struct {
		server Server
		want   string
	}{
		"nothing to ask":     {Server{}, ""},
		"a good key":         {server(openai.Settings{Key: key, BaseURL: endpoint.URL + "/v1/"}, anthropic.Settings{}, Embedding{}), ""},
		"a wrong key":        {server(openai.Settings{Key: "sk-wrong", BaseURL: endpoint.URL + "/v1"}, anthropic.Settings{}, Embedding{}), "check the API key"},
		"no list of models":  {server(openai.Settings{Key: key, BaseURL: endpoint.URL}, anthropic.Settings{}, Embedding{}), ""},
		"Anthropic":          {server(openai.Settings{}, anthropic.Settings{Key: key, BaseURL: endpoint.URL + "/v1"}, Embedding{}), ""},
		"Anthropic, refused": {server(openai.Settings{}, anthropic.Settings{Key: "sk-wrong", BaseURL: endpoint.URL}, Embedding{}), "check the API key"},
		"nobody there":       {server(openai.Settings{Key: key, BaseURL: gone.URL}, anthropic.Settings{}, Embedding{}), "could not be reached"},
	} {
		_, err := c.server.Probe(t.Context())
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "sk-")) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
