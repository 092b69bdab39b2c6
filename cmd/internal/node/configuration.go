package node

import (
	"fmt"
	"net/url"
	"reflect"
	"regexp"
)

// masked stands for a secret that is set.
const masked = "********"

// secret tells which settings nobody is shown, by their names.
var secret = regexp.MustCompile(`KEY|TOKEN|SECRET|SALT|PASSWORD`)

// Shown is the effective configuration under the names of the environment, secrets masked.
func (c Config) Shown() map[string]string {
	out := map[string]string{}
	shown(reflect.ValueOf(c), out)
	return out
}

// shown adds the settings in a struct, and in those that are embedded in it.
func shown(settings reflect.Value, out map[string]string) {
	for i := range settings.NumField() {
		name := settings.Type().Field(i).Tag.Get("env")
		if name == "" {
			shown(settings.Field(i), out)
			continue
		}
		value := fmt.Sprint(settings.Field(i).Interface())
		switch u, err := url.Parse(value); {
		case value == "":
		case secret.MatchString(name):
			value = masked
		case err != nil:
			value = masked // what cannot be understood may hold anything
		case u.User != nil || u.RawQuery != "":
			u.User, u.RawQuery = hidden(u.User), ""
			value = u.String()
		}
		out[name] = value
	}
}

func hidden(user *url.Userinfo) *url.Userinfo {
	if user == nil {
		return nil
	}
	if _, ok := user.Password(); ok {
		return url.UserPassword(user.Username(), "xxxxx")
	}
	return user
}
