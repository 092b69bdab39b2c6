package models

import (
	"cmp"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"

	"annals/commands/reactions"
	"annals/events"
	"annals/transport/models/remote"
)

// mostKept bounds the models that are kept for characters. One that is dropped is made anew.
const mostKept = 256

// Characters gives each character the model that it speaks with: its own, where its settings or secrets name one, and else the server's.
//
// A character names settings of a provider as the environment does (OPENAI_API_KEY, OPENAI_BASE_URL …), and may say modelProvider, and
// model or LARGE_MODEL. What it does not name is the server's, except that no key of the server goes to an address that a character named.
// Such an address is asked through remote.Guard.
type Characters struct {
	server Server
	open   func(secret string) string
	guard  http.RoundTripper
	usual  reactions.Text
	kept   *lru.Cache[choice, reactions.Text]
}

// choice is a provider with the settings that are in force for a character; foreign, if the character named the address.
type choice struct {
	Provider
	foreign bool
}

var _ reactions.Models = (*Characters)(nil)

// NewCharacters opens the secrets of characters with open. At the hosts, characters may name models although they are not public or not
// reached by https.
func NewCharacters(s Server, hosts []string, open func(secret string) string) *Characters {
	kept, err := lru.New[choice, reactions.Text](mostKept)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &Characters{server: s, open: open, guard: remote.Guard(hosts), usual: s.chosen().Text(nil), kept: kept}
}

// Text implements reactions.Models.
func (c *Characters) Text(character events.Character) reactions.Text {
	mine := c.choose(names{character, c.open})
	if mine == (choice{Provider: c.server.chosen()}) || !mine.Chosen() {
		return c.usual
	}
	if text, ok := c.kept.Get(mine); ok {
		return text
	}
	transport := http.RoundTripper(nil)
	if mine.foreign {
		transport = c.guard
	}
	text := mine.Text(transport)
	c.kept.Add(mine, text)
	return text
}

// choose takes the provider that the character says, or else the first of which it names a key or an address, or else the server's.
func (c *Characters) choose(n names) choice {
	var access Provider
	said := strings.ToLower(n.get("modelProvider"))
	for _, p := range c.server.providers() {
		if p.Name() == said {
			return inForce(p, n, true)
		}
		if access == nil && n.nameAccess(p) {
			access = p
		}
	}
	if access != nil {
		return inForce(access, n, said == "")
	}
	return inForce(c.server.chosen(), n, said == "")
}

// inForce lays what a character names over the server's settings. The model that it names without a provider's prefix is that of the
// provider that it says, or of the address that it names.
func inForce(p Provider, n names, itsModel bool) choice {
	mine := reflect.New(reflect.TypeOf(p)).Elem()
	mine.Set(reflect.ValueOf(p))
	own := choice{}
	for f := range fieldsOf(p) {
		own.foreign = own.foreign || f.role == roleAddress && n.get(f.env) != ""
	}
	for f := range fieldsOf(mine.Addr().Interface()) {
		value := n.get(f.env)
		if f.role == roleModel && (itsModel || own.foreign) {
			value = cmp.Or(value, n.get("LARGE_MODEL"), n.get("model"))
		}
		switch {
		case f.env == "" || f.value.Kind() != reflect.String:
		case value != "":
			f.value.SetString(value)
		case f.role == roleKey && own.foreign:
			f.value.SetString("")
		}
	}
	own.Provider = mine.Interface().(Provider)
	return own
}

// names are what a character says about models.
type names struct {
	character events.Character
	open      func(string) string
}

// get returns a secret or a setting, empty if there is none of that name.
func (n names) get(name string) string {
	secret, setting := "", ""
	_ = json.Unmarshal(n.character.Secrets[name].Reveal(), &secret) // what is no text names nothing
	_ = json.Unmarshal(n.character.Settings[name], &setting)
	return strings.TrimSpace(cmp.Or(n.open(secret), setting))
}

func (n names) nameAccess(p Provider) bool {
	for f := range fieldsOf(p) {
		if (f.role == roleKey || f.role == roleAddress) && n.get(f.env) != "" {
			return true
		}
	}
	return false
}
