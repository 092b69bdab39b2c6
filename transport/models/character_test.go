package models

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"annals/commands/reactions"
	"annals/events"
	"annals/transport/models/anthropic"
	"annals/transport/models/anthropic/anthropictest"
	"annals/transport/models/openai"
	"annals/transport/models/openai/openaitest"
)

// character says these settings, and has these secrets, which are encrypted by a mark in front.
func character(settings, secrets map[string]string) events.Character {
	c := events.Character{Name: "Iris", Settings: map[string]json.RawMessage{}, Secrets: map[string]events.Secret{}}
	for name, value := range settings {
		c.Settings[name] = quoted(value)
	}
	for name, value := range secrets {
		c.Secrets[name] = events.NewSecret(quoted("encrypted:" + value))
	}
	return c
}

func quoted(text string) json.RawMessage {
	raw, err := json.Marshal(text)
	if err != nil {
		panic(err) // a text always can be
	}
	return raw
}

func open(secret string) string { return strings.TrimPrefix(secret, "encrypted:") }

var hello = reactions.Prompt{Agent: "Iris", Turns: []reactions.Turn{{Name: "Ada", Text: "Hello."}}}

// asked is what an endpoint was asked with.
type asked struct{ key, model string }

type (
	said    = map[string]string // settings
	secrets = map[string]string
)

func TestACharacterSpeaksWithItsOwnModelAndOtherwiseWithTheServers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings, secrets map[string]string
		openai, anthropic asked
	}{
		"nothing said":                       {said{}, secrets{}, asked{}, asked{"server-anthropic", "claude"}},
		"a model":                            {said{"model": "mine"}, secrets{}, asked{}, asked{"server-anthropic", "mine"}},
		"ElizaOS's large model":              {said{"LARGE_MODEL": "mine", "model": "other"}, secrets{}, asked{}, asked{"server-anthropic", "mine"}},
		"a key":                              {said{}, secrets{"ANTHROPIC_API_KEY": "mine"}, asked{}, asked{"mine", "claude"}},
		"a key among the settings":           {said{"OPENAI_API_KEY": "mine"}, secrets{}, asked{"mine", "gpt"}, asked{}},
		"another provider's key":             {said{"model": "small"}, secrets{"OPENAI_API_KEY": "mine"}, asked{"mine", "small"}, asked{}},
		"a provider":                         {said{"modelProvider": "OpenAI"}, secrets{}, asked{"server-openai", "gpt"}, asked{}},
		"a provider and a model":             {said{"modelProvider": "openai", "model": "mine"}, secrets{}, asked{"server-openai", "mine"}, asked{}},
		"a provider's own name of the model": {said{"modelProvider": "openai", "OPENAI_LARGE_MODEL": "mine", "model": "other"}, secrets{}, asked{"server-openai", "mine"}, asked{}},
		"an unknown provider's model":        {said{"modelProvider": "groq", "model": "llama"}, secrets{}, asked{}, asked{"server-anthropic", "claude"}},
		"keys of two":                        {said{}, secrets{"OPENAI_API_KEY": "o", "ANTHROPIC_API_KEY": "a"}, asked{}, asked{"a", "claude"}},
		"keys of two and a provider":         {said{"modelProvider": "openai"}, secrets{"OPENAI_API_KEY": "o", "ANTHROPIC_API_KEY": "a"}, asked{"o", "gpt"}, asked{}},
		"an empty key":                       {said{}, secrets{"OPENAI_API_KEY": " "}, asked{}, asked{"server-anthropic", "claude"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, a := openaitest.Start(t, openaitest.Script{}), anthropictest.Start(t, anthropictest.Script{})
			s := server(openai.Settings{Key: "server-openai", BaseURL: o.URL, Model: "gpt"}, anthropic.Settings{Key: "server-anthropic", BaseURL: a.URL, Model: "claude"}, Embedding{})
			if _, err := NewCharacters(s, nil, open).Text(character(c.settings, c.secrets)).Generate(t.Context(), hello); err != nil {
				t.Fatal(err)
			}
			var toOpenAI, toAnthropic asked
			for _, r := range o.Requests() {
				toOpenAI = asked{strings.TrimPrefix(r.Authorization, "Bearer "), r.Model}
			}
			for _, r := range a.Requests() {
				toAnthropic = asked{r.Key, r.Model}
			}
			if toOpenAI != c.openai || toAnthropic != c.anthropic {
				t.Errorf("asked were %+v and %+v, want %+v and %+v", toOpenAI, toAnthropic, c.openai, c.anthropic)
			}
		})
	}
}

func TestACharacterWithoutWhatItsProviderNeedsSpeaksWithTheServersModel(t *testing.T) {
	t.Parallel()
	of := NewCharacters(Server{}, nil, open)
	for _, settings := range []said{{"modelProvider": "openai", "model": "gpt-4"}, {"modelProvider": "anthropic"}, {"modelProvider": "classic"}, {"model": "gpt-4"}} {
		if answer, err := of.Text(character(settings, nil)).Generate(t.Context(), hello); err != nil || answer.Model != "classic" {
			t.Errorf("%v: %+v, %v", settings, answer, err)
		}
	}
}

// listener counts what reaches this machine, by http and by https.
func listener(t *testing.T, start func(http.Handler) *httptest.Server) (address string, connections *atomic.Int32) {
	t.Helper()
	connections = &atomic.Int32{}
	s := start(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { connections.Add(1) }))
	t.Cleanup(s.Close)
	return s.URL, connections
}

func TestAnAddressInsideThatACharacterNamesIsNotAsked(t *testing.T) {
	t.Parallel()
	plain, plainAsked := listener(t, httptest.NewServer)
	secure, secureAsked := listener(t, httptest.NewTLSServer)
	redirecting := httptest.NewServer(http.RedirectHandler(plain, http.StatusTemporaryRedirect))
	t.Cleanup(redirecting.Close)
	s := server(openai.Settings{Key: "server-openai"}, anthropic.Settings{}, Embedding{})
	of := NewCharacters(s, []string{host(t, redirecting.URL)}, open)
	for name, address := range map[string]string{
		"http": plain, "https": secure, "a name for it": strings.Replace(secure, "127.0.0.1", "localhost", 1), "a redirect": redirecting.URL,
		"mapped": strings.Replace(secure, "127.0.0.1", "[::ffff:127.0.0.1]", 1), "no URL": "http://[", "another scheme": "file:///etc/passwd",
	} {
		for provider, c := range map[string]events.Character{
			"openai":    character(said{"OPENAI_BASE_URL": address}, secrets{"OPENAI_API_KEY": "mine"}),
			"anthropic": character(nil, secrets{"ANTHROPIC_API_KEY": "mine", "ANTHROPIC_BASE_URL": address}),
		} {
			if answer, err := of.Text(c).Generate(t.Context(), hello); !errors.Is(err, reactions.ErrRefused) {
				t.Errorf("%s, %s: %+v, %v", name, provider, answer, err)
			}
		}
	}
	if n := plainAsked.Load() + secureAsked.Load(); n > 0 {
		t.Errorf("%d requests came", n)
	}
}

func host(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

func TestNoKeyOfTheServerGoesToAnAddressThatACharacterNames(t *testing.T) {
	t.Parallel()
	o, a := openaitest.Start(t, openaitest.Script{}), anthropictest.Start(t, anthropictest.Script{})
	s := server(openai.Settings{Key: "server-openai", Model: "gpt"}, anthropic.Settings{Key: "server-anthropic", Model: "claude"}, Embedding{})
	of := NewCharacters(s, []string{" " + host(t, o.URL), "LOCALHOST", ""}, open)
	for _, c := range []events.Character{
		character(said{"OPENAI_BASE_URL": o.URL}, nil),
		character(said{"OPENAI_BASE_URL": o.URL, "modelProvider": "openai"}, secrets{"OPENAI_API_KEY": "mine"}),
		character(said{"ANTHROPIC_BASE_URL": strings.Replace(a.URL, "127.0.0.1", "localhost", 1)}, secrets{"ANTHROPIC_API_KEY": "mine"}),
		character(said{"OPENAI_BASE_URL": o.URL, "model": "mine", "modelProvider": "groq"}, nil),
	} {
		if _, err := of.Text(c).Generate(t.Context(), hello); err != nil {
			t.Error(err)
		}
	}
	var keys, models []string
	for _, r := range o.Requests() {
		keys, models = append(keys, r.Authorization), append(models, r.Model)
	}
	for _, r := range a.Requests() {
		keys = append(keys, r.Key)
	}
	all := strings.Join(keys, ",")
	if strings.Contains(all, "server") || len(keys) != 4 || !strings.HasSuffix(keys[1], "mine") || keys[3] != "mine" || models[2] != "mine" {
		t.Errorf("the keys were %q, the models %q", keys, models)
	}
	// Anthropic wants a key: a character that names an address without one speaks with the server's model, at the server's address.
	if got := of.Text(character(said{"ANTHROPIC_BASE_URL": a.URL}, nil)); got != of.Text(character(nil, nil)) {
		t.Errorf("it speaks with %+v", got)
	}
}

func TestCharactersThatSayTheSameShareAModel(t *testing.T) {
	t.Parallel()
	of := NewCharacters(server(openai.Settings{Key: "server", Model: "gpt"}, anthropic.Settings{}, Embedding{}), nil, open)
	mine := func(key string) reactions.Text { return of.Text(character(nil, secrets{"OPENAI_API_KEY": key})) }
	if mine("a") != mine("a") || mine("a") == mine("b") || mine("server") != of.Text(character(nil, nil)) {
		t.Error("models are not kept by their settings")
	}
}
