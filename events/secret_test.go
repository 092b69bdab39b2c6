package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
)

const plain = `"0707:1bda"`

func TestASecretPrintsMasked(t *testing.T) {
	t.Parallel()
	secret := NewSecret(json.RawMessage(plain))
	character := Character{Name: "Eliza", Secrets: map[string]Secret{"KEY": secret}}
	hidden := struct {
		Name   string
		secret Secret
		among  map[string]Secret
	}{"Eliza", secret, character.Secrets}
	digits := strings.Trim(fmt.Sprint([]byte(plain)), "[]") //nolint:staticcheck // how fmt writes bytes that it takes for numbers
	for _, v := range []any{secret, &secret, []Secret{secret}, character, &character, AgentCreated{Character: character}, hidden} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			if reflect.TypeOf(v) == reflect.TypeOf(hidden) && !strings.HasSuffix(verb, "v") {
				continue // a mistake that vet reports
			}
			text := fmt.Sprintf(verb, v)
			if strings.Contains(text, "1bda") || strings.Contains(text, digits) || strings.Contains(text, fmt.Sprintf("%x", plain)) {
				t.Errorf("%s of %T shows the secret: %s", verb, v, text)
			}
		}
	}
}

func TestASecretLogsMasked(t *testing.T) {
	t.Parallel()
	secret := NewSecret(json.RawMessage(plain))
	for _, to := range []func(*bytes.Buffer) slog.Handler{
		func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var out bytes.Buffer
		slog.New(to(&out)).Info("hello", "secret", secret, slog.Group("agent", "secret", secret))
		if s := out.String(); strings.Contains(s, "1bda") || !strings.Contains(s, "[secret]") {
			t.Errorf("the log says %s", s)
		}
	}
}

func TestASecretIsItsJSONValue(t *testing.T) {
	t.Parallel()
	for _, value := range []string{plain, "5", "true", `""`, "null", `{"a":[1]}`} {
		var s Secret
		if err := json.Unmarshal([]byte(value), &s); err != nil {
			t.Fatal(err)
		}
		if string(s.Reveal()) != value || toJSON(t, s) != value || !reflect.DeepEqual(s, NewSecret(json.RawMessage(value))) {
			t.Errorf("%s reads as %s and is written as %s", value, s.Reveal(), toJSON(t, s))
		}
	}
	if s := (Secret{}); toJSON(t, s) != "null" || string(s.Reveal()) != "null" {
		t.Errorf("the zero secret is %s", s.Reveal())
	}
}

func TestPublicSettingsShowSecretsWithoutTouchingTheSettings(t *testing.T) {
	t.Parallel()
	c := Character{Settings: map[string]json.RawMessage{"model": json.RawMessage(`"m"`)}}
	if got, err := c.PublicSettings(); err != nil || toJSON(t, got) != `{"model":"m"}` {
		t.Errorf("without secrets: %v, %v", got, err)
	}
	c.Secrets = map[string]Secret{"KEY": NewSecret(json.RawMessage(plain))}
	got, err := c.PublicSettings()
	if err != nil || toJSON(t, got) != `{"model":"m","secrets":{"KEY":`+plain+`}}` {
		t.Errorf("with secrets: %s, %v", toJSON(t, got), err)
	}
	if len(c.Settings) != 1 {
		t.Errorf("the settings became %v", c.Settings)
	}
	if got, err := (Character{}).PublicSettings(); err != nil || toJSON(t, got) != `{}` {
		t.Errorf("of nothing: %v, %v", got, err)
	}
}
