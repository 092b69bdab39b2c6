// Package httpapitest starts the API for tests, on a log and a database of its own, and checks each answer against the
// description that the API gives of itself.
package httpapitest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"annals/transport/httpapi"
)

// Description is the API as openapi.json has it. It is safe for concurrent use.
type Description struct {
	paths     []path
	responses map[string]response
	compiler  *jsonschema.Compiler

	mu       sync.Mutex
	compiled map[string]*jsonschema.Schema
}

// path is one with its operations by method.
type path struct {
	template   string
	parts      []string
	operations map[string]struct {
		Responses map[string]response `json:"responses"`
		Stream    response            `json:"x-event-stream"` // of status 200
	}
}

type response struct {
	Ref     string                     `json:"$ref"`
	Content map[string]json.RawMessage `json:"content"`
}

const resource = "openapi.json"

// Read takes in an openapi.json.
func Read(document []byte) (*Description, error) {
	var whole struct {
		Paths      map[string]json.RawMessage `json:"paths"`
		Components struct {
			Responses map[string]response `json:"responses"`
		} `json:"components"`
	}
	if err := json.Unmarshal(document, &whole); err != nil {
		return nil, err
	}
	d := &Description{responses: whole.Components.Responses, compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}}
	for template, item := range whole.Paths {
		p := path{template: template, parts: strings.Split(template, "/")}
		if err := json.Unmarshal(item, &p.operations); err != nil {
			return nil, fmt.Errorf("%s: %w", template, err)
		}
		d.paths = append(d.paths, p)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		return nil, err
	}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	return d, d.compiler.AddResource(resource, parsed)
}

// Of is the description that a server gives of itself.
func Of(server http.Handler) (*Description, error) {
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "http://localhost/api/openapi.json", nil)
	r.RemoteAddr = "127.0.0.1:1"
	server.ServeHTTP(w, r)
	return Read(w.Body.Bytes())
}

// Described is the description of the API as it is built.
var Described = sync.OnceValue(func() *Description {
	d, err := Of(httpapi.New(httpapi.Options{}))
	if err != nil {
		panic(err)
	}
	return d
})

// find is the operation that a request is for: of paths that fit, the one that says most.
func (d *Description) find(method, asked string) (p path, found bool) {
	if asked != "/" { // which is how paths are described
		asked = strings.TrimSuffix(asked, "/")
	}
	parts, best := strings.Split(asked, "/"), -1
	for _, one := range d.paths {
		if _, ok := one.operations[strings.ToLower(method)]; !ok || len(one.parts) != len(parts) {
			continue
		}
		literal := 0
		for i, part := range one.parts {
			switch {
			case part == parts[i]:
				literal += 1 << (len(parts) - i)
			case !strings.HasPrefix(part, "{") || parts[i] == "":
				literal = -1 << 32
			}
		}
		if literal > best {
			p, found, best = one, true, literal
		}
	}
	return p, found
}

// Check says how an answer differs from what is described. Answers to what is not described must be errors in the envelope.
func (d *Description) Check(method, asked string, status int, contentType string, body []byte) (err error) {
	if method == http.MethodOptions {
		return nil
	}
	sent := method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	p, found := d.find(method, asked)
	if !found {
		if status >= http.StatusBadRequest && strings.HasPrefix(asked, "/api") && sent != http.MethodHead {
			return d.fits("#/components/schemas/Error", body)
		}
		return nil
	}
	o := p.operations[strings.ToLower(method)]
	at := []string{"paths", p.template, strings.ToLower(method), "responses", strconv.Itoa(status)}
	r, ok := o.Responses[strconv.Itoa(status)]
	if !ok && status == http.StatusOK && o.Stream.Content != nil {
		at = []string{"paths", p.template, strings.ToLower(method), "x-event-stream"}
		r, ok = o.Stream, true
	}
	what := fmt.Sprintf("%s %s, status %d", method, p.template, status)
	if !ok {
		return fmt.Errorf("%s is not described: %.300s", what, body)
	}
	if name, isRef := strings.CutPrefix(r.Ref, "#/components/responses/"); isRef {
		r, at = d.responses[name], []string{"components", "responses", name}
	}
	if len(r.Content) == 0 || sent == http.MethodHead {
		if len(body) > 0 {
			return fmt.Errorf("%s has a body: %.300s", what, body)
		}
		return nil
	}
	typ, _, _ := mime.ParseMediaType(contentType)
	if _, ok := r.Content[typ]; !ok {
		if _, any := r.Content["*/*"]; any && typ != "" {
			return nil
		}
		return fmt.Errorf("%s is described as something else than %q: %.300s", what, contentType, body)
	}
	place := "#" + pointer(append(at, "content", typ, "schema")...)
	switch typ {
	case "application/json":
		err = d.fits(place, body)
	case lines, eventStream:
		err = d.eachFits(place+"/contentSchema", typ, body)
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %.600s", what, err, body)
	}
	return nil
}

func pointer(parts ...string) string {
	var b strings.Builder
	for _, part := range parts {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1", "%", "%25", "{", "%7B", "}", "%7D").Replace(part))
	}
	return b.String()
}

// fits holds JSON against the schema at a place of the document.
func (d *Description) fits(place string, body []byte) error {
	schema, err := d.schema(place)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("no JSON: %w", err)
	}
	return schema.Validate(value)
}

func (d *Description) schema(place string) (*jsonschema.Schema, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.compiled[place]; s != nil {
		return s, nil
	}
	s, err := d.compiler.Compile(resource + place)
	if err == nil {
		d.compiled[place] = s
	}
	return s, err
}

// Transport passes answers on; broken is told of those that are not as described, and of each line of those that go on.
func (d *Description) Transport(next http.RoundTripper, broken func(error)) http.RoundTripper {
	return transport{d, next, broken}
}

type transport struct {
	*Description
	next   http.RoundTripper
	broken func(error)
}

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.next.RoundTrip(r)
	if err != nil || answer.StatusCode == http.StatusSwitchingProtocols {
		return answer, err
	}
	typ := answer.Header.Get("Content-Type")
	check := func(body []byte) {
		if err := t.Check(r.Method, r.URL.Path, answer.StatusCode, typ, body); err != nil {
			t.broken(err)
		}
	}
	if strings.HasPrefix(typ, lines) || strings.HasPrefix(typ, eventStream) {
		check(nil)
		answer.Body = &goingOn{ReadCloser: answer.Body, check: check}
		return answer, nil
	}
	body, err := io.ReadAll(answer.Body)
	if err = cmp.Or(err, answer.Body.Close()); err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	check(body)
	return answer, nil
}

// CloseIdleConnections does what that of http.Client asks for.
func (t transport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
