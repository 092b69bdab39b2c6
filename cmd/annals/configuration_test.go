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
