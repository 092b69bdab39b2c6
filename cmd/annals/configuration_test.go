package main

import (
	"reflect"
	"strings"
	"testing"
)

func TestNoSecretOfTheConfigurationIsShown(t *testing.T) {
	t.Parallel()
	var c Config
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.String {
			f.SetString("canary-" + v.Type().Field(i).Name)
		}
	}
	c.PostgresURL = "postgres://ann:canary-PASSWORD@db/annals?sslpassword=canary-QUERY"
	c.EventStoreURL = "esdb://admin:canary-PASSWORD@[bad"
	shown := c.shown()
	for name, value := range shown {
		if strings.Contains(value, "PASSWORD") || strings.Contains(value, "QUERY") || secret.MatchString(name) && value != masked {
			t.Errorf("%s shows %s", name, value)
		}
	}
	if shown["DATA_DIR"] != "canary-DataDir" || !strings.HasPrefix(shown["POSTGRES_URL"], "postgres://ann:") {
		t.Errorf("shown: %v", shown)
	}
	if (Config{}).shown()["OPENAI_API_KEY"] != "" {
		t.Error("what is not set looks set")
	}
}

func TestAnEmptySettingIsNotMade(t *testing.T) {
	for _, name := range []string{"SERVER_HOST", "SERVER_PORT", "DATA_DIR", "RATE_LIMIT", "SECRET_SALT", "OPENAI_EMBEDDING_DIMENSIONS"} {
		t.Setenv(name, "")
	}
	var c cli
	if _, err := c.parse(t.Context(), []string{"serve"}); err != nil {
		t.Fatal(err)
	}
	if got := c.Serve.Config; got.Host != "127.0.0.1" || got.Port != 3000 || got.DataDir != ".annals" || got.RateLimit != "on" || got.SecretSalt != "secretsalt" {
		t.Errorf("%+v", got)
	}
}

func TestAnEndpointThatIsNoURLIsRefusedAtTheStart(t *testing.T) {
	for url, good := range map[string]bool{"::garbage": false, "localhost:11434/v1": false, "ftp://x": false, "http://": false, "http://localhost:11434/v1": true} {
		t.Setenv("OPENAI_BASE_URL", url)
		if _, err := new(cli).parse(t.Context(), []string{"serve"}); (err == nil) != good || err != nil && !strings.Contains(err.Error(), "OPENAI_BASE_URL") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestAKeyThatNoClientCanSendIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"canary\n", " canary", "canary ", "canary\r\nb", "canary\x00"} {
		if err := (Config{Key: key}).Validate(); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", key, err)
		}
	}
	if err := (Config{Key: "a key, with a space"}).Validate(); err != nil {
		t.Error(err)
	}
	if err := (Config{EmbeddingDimensions: -3}).Validate(); err == nil {
		t.Error("-3 dimensions")
	}
}
