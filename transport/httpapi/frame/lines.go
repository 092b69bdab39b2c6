package frame

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"annals/transport/problem"
)

// Types of answers that go on.
const (
	NDJSON      = "application/x-ndjson"
	eventStream = "text/event-stream"
)

// LineWait is how long a client may take for what was written.
const LineWait = 30 * time.Second

// sequence is an answer that goes on: JSON values, a line each, or the data of server-sent events. It gives an example of
// each kind of them.
type sequence struct {
	typ   string
	kinds []any
	names []string // of server-sent events, log where there are none
}

// InLines answers with values of these kinds, one a line, where that is asked for.
func InLines(kinds ...any) Trait {
	return func(o *operation) { o.answer.sequence = sequence{typ: NDJSON, kinds: kinds} }
}

// describe tells, in the way of JSON Schema, that the text holds JSON; and what each of its values is like.
func (s sequence) describe(r huma.Registry) *huma.MediaType {
	var one huma.Schema
	var example strings.Builder
	what := "A JSON value a line, each as contentSchema says."
	if s.typ == eventStream {
		what = "Server-sent events, the data of each as contentSchema says."
	}
	for i, kind := range s.kinds {
		raw, err := json.Marshal(kind)
		if err != nil {
			panic(fmt.Sprintf("an example cannot be written: %v", err))
		}
		switch {
		case s.typ != eventStream:
			fmt.Fprintf(&example, "%s\n", raw)
		case s.names != nil:
			fmt.Fprintf(&example, "event: %s\nid: %d\ndata: %s\n\n", s.names[i], i, raw)
		default:
			fmt.Fprintf(&example, "event: log\nid: 17\ndata: %s\n\n", raw)
		}
		switch kind := kind.(type) {
		case *problem.Problem:
			one.AnyOf = append(one.AnyOf, problemSchema())
		case huma.SchemaProvider: // it says more of itself than its type does
			one.AnyOf = append(one.AnyOf, kind.Schema(r))
		default:
			one.AnyOf = append(one.AnyOf, r.Schema(reflect.TypeOf(kind), true, ""))
		}
	}
	schema := &huma.Schema{Type: huma.TypeString, Description: what, Extensions: map[string]any{"contentMediaType": "application/json", "contentSchema": &one}}
	return &huma.MediaType{Schema: schema, Example: example.String()}
}
