package node

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
	shown := c.Shown()
	for name, value := range shown {
		if strings.Contains(value, "PASSWORD") || strings.Contains(value, "QUERY") || secret.MatchString(name) && value != masked {
			t.Errorf("%s shows %s", name, value)
		}
	}
	if shown["DATA_DIR"] != "canary-DataDir" || !strings.HasPrefix(shown["POSTGRES_URL"], "postgres://ann:") {
		t.Errorf("shown: %v", shown)
	}
	if (Config{}).Shown()["OPENAI_API_KEY"] != "" {
		t.Error("what is not set looks set")
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
