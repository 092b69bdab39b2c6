package node

import (
	"reflect"
	"strings"
	"testing"

	"annals/transport/httpapi/sessions"
)

func TestNoSecretOfTheConfigurationIsShown(t *testing.T) {
	t.Parallel()
	var c Config
	fill(reflect.ValueOf(&c).Elem())
	c.PostgresURL = "postgres://ann:canary-PASSWORD@db/annals?sslpassword=canary-QUERY"
	c.EventStoreURL = "esdb://admin:canary-PASSWORD@[bad"
	shown := c.Shown()
	for name, value := range shown {
		if strings.Contains(value, "PASSWORD") || strings.Contains(value, "QUERY") || secret.MatchString(name) && value != masked {
			t.Errorf("%s shows %s", name, value)
		}
	}
	if shown["OPENAI_API_KEY"] != masked || shown["ANTHROPIC_LARGE_MODEL"] == "" {
		t.Errorf("settings of models are missing: %v", shown)
	}
	if shown["DATA_DIR"] != "canary-DataDir" || !strings.HasPrefix(shown["POSTGRES_URL"], "postgres://ann:") {
		t.Errorf("shown: %v", shown)
	}
	if (Config{}).Shown()["OPENAI_API_KEY"] != "" {
		t.Error("what is not set looks set")
	}
}

// fill puts a canary into every text of a struct of settings.
func fill(settings reflect.Value) {
	for i := range settings.NumField() {
		switch f := settings.Field(i); f.Kind() {
		case reflect.String:
			f.SetString("canary-" + settings.Type().Field(i).Name)
		case reflect.Struct:
			fill(f)
		}
	}
}

func TestAKeyThatNoClientCanSendIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"canary\n", " canary", "canary ", "canary\r\nb", "canary\x00"} {
		if err := (Config{Listening: Listening{Key: key}}).Validate(); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", key, err)
		}
	}
	if err := (Config{Listening: Listening{Key: "a key, with a space"}}).Validate(); err != nil {
		t.Error(err)
	}
	var c Config
	if c.Embedding.Dimensions = -3; c.Validate() == nil {
		t.Error("-3 dimensions")
	}
}

func TestTimesOfSessionsAreWithinWhatElizaOSAllows(t *testing.T) {
	t.Parallel()
	if rules := (SessionTimes{}).rules(); rules != sessions.DefaultRules {
		t.Errorf("without settings: %+v", rules)
	}
	short := SessionTimes{SessionTimeout: -1, SessionMinTimeout: 0, SessionMaxTimeout: 1, SessionDuration: 1, SessionWarning: 0}.rules()
	if short != (sessions.Rules{Timeout: 1, Least: 1, Most: 60, Duration: 60, Warning: 1}) {
		t.Errorf("too short: %+v", short)
	}
	const far = 1 << 40
	long := SessionTimes{SessionTimeout: far, SessionMinTimeout: far, SessionMaxTimeout: far, SessionDuration: far, SessionWarning: far}.rules()
	if long != (sessions.Rules{Timeout: 10_080, Least: 60, Most: 10_080, Duration: 20_160, Warning: 60}) {
		t.Errorf("too long: %+v", long)
	}
}
