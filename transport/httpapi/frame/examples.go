package frame

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"annals/transport/httpapi/example"
)

// Examples takes in answers as operations of a domain give them: each is the example of its type.
func (a *API) Examples(all ...any) {
	for _, v := range all {
		a.samples[reflect.TypeOf(v)] = v
	}
}

// exampleOf is an example of a type of data; of a list, with one item. It is nil where there is none.
func (a *API) exampleOf(t reflect.Type) any {
	if found := a.samples[t]; found != nil {
		return found
	}
	if t.Kind() == reflect.Slice && a.samples[t.Elem()] != nil {
		return []any{a.samples[t.Elem()]}
	}
	return nil
}

// Takes gives an example of a body. What it is about stands in braces: {agent}, {user}, {server}, {channel}, {message},
// {world}, {room}.
func Takes(body string) Trait {
	return func(o *operation) { o.body.example = json.RawMessage(placeholders.Replace(body)) }
}

var placeholders = strings.NewReplacer(
	"{agent}", example.Agent.String(), "{user}", example.User.String(), "{server}", example.Server.String(), "{channel}", example.Channel.String(),
	"{message}", example.Message.String(), "{world}", example.World.String(), "{room}", example.Room.String(),
)

// illustrate gives what an operation takes its example: nothing where nothing is needed.
func (o *operation) illustrate(described *huma.RequestBody) {
	if described == nil {
		return
	}
	content := described.Content["application/json"]
	switch {
	case content == nil:
	case o.body.example != nil:
		content.Example = o.body.example
	case !described.Required:
		content.Example = json.RawMessage(`{}`)
	}
}
