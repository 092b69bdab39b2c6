package httpapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"pgregory.net/rapid"

	"annals/transport/httpapi"
	"annals/transport/problem"
)

// described is an operation as the description of the API has it: a new route is tested as soon as it is described.
type described struct {
	method, path string
	*huma.Operation
}

// operations are all that are described, except those that the name of a path is in leave, and each once: an older path is the same
// operation, see TestEveryOlderPathAnswersAsTheNewerOne.
func (s *fixture) operations(leave ...string) (all []described) {
	for template, item := range s.API.OpenAPI().Paths {
		for method, op := range map[string]*huma.Operation{
			"GET": item.Get, "POST": item.Post, "PATCH": item.Patch, "PUT": item.Put, "DELETE": item.Delete,
		} {
			if op == nil {
				continue
			}
			if path := addressOf(template, op.Description); !slices.Contains(leave, path) && formerly.Replace(path) == path {
				all = append(all, described{method, path, op})
			}
		}
	}
	slices.SortFunc(all, func(a, b described) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return all
}

// addressOf is a path with the slash at its end that its description tells of.
func addressOf(path, description string) string {
	if strings.Contains(description, "Its address ends with a slash") {
		return path + "/"
	}
	return path
}

// goesOn tells of an answer that has no end.
func (d described) goesOn() bool {
	r := d.Responses[strconv.Itoa(d.success())]
	return r != nil && r.Content["text/event-stream"] != nil
}

// properties are what a body may have.
func (s *fixture) properties(d described) map[string]*huma.Schema {
	if d.RequestBody == nil || d.RequestBody.Content["application/json"] == nil {
		return nil
	}
	schema := d.RequestBody.Content["application/json"].Schema
	if schema != nil && schema.Ref != "" {
		schema = s.API.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref)
	}
	if schema == nil {
		return nil
	}
	return schema.Properties
}

// ended are routes that end the server, or the test.
var ended = []string{"/api/server/stop", "/socket.io/", "/ws"}

// drawn is a request that was made up.
type drawn struct {
	described
	at      string
	body    any
	headers []string
}

// made draws a request to an operation, with ids of which some are there.
func (s *fixture) made(rt *rapid.T, d described, ids *rapid.Generator[string]) drawn {
	at := pathParameter.ReplaceAllStringFunc(d.path, func(string) string { return ids.Draw(rt, "id") })
	var query []string
	for _, p := range d.Parameters {
		if p.In == "query" && rapid.Bool().Draw(rt, "given") {
			query = append(query, p.Name+"="+rapid.OneOf(ids, rapid.SampledFrom([]string{
				"", "0", "-1", "7", "99999999999999999999", "NaN", "true", "x,y", "%00", "%ff", "2026-01-01", "reply",
			})).Draw(rt, p.Name))
		}
	}
	if len(query) > 0 {
		at += "?" + strings.Join(query, "&")
	}
	r := drawn{described: d, at: at}
	if d.method != http.MethodGet && d.method != http.MethodDelete {
		r.body = drawBody(rt, slices.Sorted(maps.Keys(s.properties(d))), ids)
	}
	if d.RequestBody != nil && d.RequestBody.Content["multipart/form-data"] != nil && rapid.Bool().Draw(rt, "form") {
		r.body, r.headers = drawForm(rt), []string{"Content-Type", "multipart/form-data; boundary=b"}
	}
	return r
}

// tries sends a request, and says what is wrong with how it was taken.
func (s *fixture) tries(r drawn) error {
	before := s.Head()
	got := s.Ask(r.method, r.at, r.body, r.headers...)
	switch {
	case got.Status >= 500:
		return fmt.Errorf("%s %v: status %d: %s", got.What, r.body, got.Status, got.Body)
	case got.Status >= 400:
		got.Refused(got.Status, errorCode(got))
		if after := s.Head(); after != before {
			return fmt.Errorf("%s %v: refused with %d, and yet the log grew from %d to %d", got.What, r.body, got.Status, before, after)
		}
	}
	return nil
}

// inhabited is a server with an agent and a conversation, and ids of which some are there.
func inhabited(t *testing.T) (*fixture, *rapid.Generator[string]) {
	s := serve(t)
	agent := s.newAgent("There")
	return s, rapid.SampledFrom([]string{
		agent, strings.ToUpper(agent), s.conversation("0", "one", "two", "three", "four"), unknown, ann, "0", "nope",
		"00000000-0000-0000-0000-000000000000", "%00", "..", "a%2Fb", "{}", "'",
	})
}

func TestRandomRequestsNeverBreakTheServerAndRefusalsLeaveNothing(t *testing.T) {
	t.Parallel()
	s, ids := inhabited(t)
	operations := slices.DeleteFunc(s.operations(ended...), described.goesOn)
	rapid.Check(t, func(rt *rapid.T) {
		if err := s.tries(s.made(rt, rapid.SampledFrom(operations).Draw(rt, "operation"), ids)); err != nil {
			rt.Fatal(err)
		}
	})
}

func TestEveryOperationTakesRandomRequests(t *testing.T) {
	t.Parallel()
	s, ids := inhabited(t)
	rounds := 2
	if os.Getenv("ANNALS_SOAK") != "" {
		rounds = 100
	}
	for round := range rounds {
		for _, d := range slices.DeleteFunc(s.operations(ended...), described.goesOn) {
			r := rapid.Custom(func(rt *rapid.T) drawn {
				rapid.Byte().Draw(rt, "something") // which a generator has to draw
				return s.made(rt, d, ids)
			}).Example(round)
			if err := s.tries(r); err != nil {
				t.Error(err)
			}
		}
	}
}

// drawForm is a form with a file, or something like one.
func drawForm(rt *rapid.T) string {
	field := rapid.SampledFrom([]string{"file", "file", "files", ""}).Draw(rt, "field")
	name := rapid.SampledFrom([]string{"a.png", "../a.png", "a/b.txt", "", "\u202eexe.txt"}).Draw(rt, "name")
	content := rapid.SampledFrom([]string{"", "words", "\x89PNG\r\n\x1a\n", "GIF89a", "%PDF-1.4", "<svg/>", "MZ\x00\x00"}).Draw(rt, "content")
	end := rapid.SampledFrom([]string{"--b--\r\n", "--b--\r\n", "", "--b\r\n"}).Draw(rt, "end")
	return "--b\r\nContent-Disposition: form-data; name=\"" + field + "\"; filename=\"" + name + "\"\r\nContent-Type: image/png\r\n\r\n" + content + "\r\n" + end
}

// drawBody is an object with some of the keys, or something else altogether.
func drawBody(rt *rapid.T, keys []string, ids *rapid.Generator[string]) any {
	if len(keys) == 0 || rapid.IntRange(0, 9).Draw(rt, "form") == 0 {
		return drawJSON(rt, ids, 2)
	}
	body := map[string]json.RawMessage{}
	for _, key := range keys {
		switch rapid.IntRange(0, 3).Draw(rt, key) {
		case 0:
		case 1:
			body[key] = drawJSON(rt, ids, 2)
		default:
			body[key] = json.RawMessage(jsonText(ids.Draw(rt, "id")))
		}
	}
	return body
}

func drawJSON(rt *rapid.T, ids *rapid.Generator[string], depth int) json.RawMessage {
	most := 7
	if depth == 0 {
		most = 5
	}
	switch rapid.IntRange(0, most).Draw(rt, "kind") {
	case 0:
		return json.RawMessage(rapid.SampledFrom([]string{"null", "true", "false", "0", "-1", "1e400", "1.5", "123456789012345678901234567890", `"\u0000"`, `"\ud800"`}).Draw(rt, "odd"))
	case 1, 2:
		return json.RawMessage(jsonText(ids.Draw(rt, "id")))
	case 3:
		return json.RawMessage(jsonText(rapid.String().Draw(rt, "text")))
	case 4:
		return json.RawMessage("[]")
	case 5:
		return json.RawMessage("{}")
	case 6:
		return json.RawMessage("[" + string(drawJSON(rt, ids, depth-1)) + "," + string(drawJSON(rt, ids, depth-1)) + "]")
	}
	key := rapid.SampledFrom([]string{"name", "text", "id", "agentId", "secrets", "a"}).Draw(rt, "key")
	return json.RawMessage(`{"` + key + `":` + string(drawJSON(rt, ids, depth-1)) + "}")
}

func TestEveryOperationAsksForTheKeyAndIsRefusedInTheEnvelopeWithoutIt(t *testing.T) {
	t.Parallel()
	const key = "a good key"
	s := serve(t, func(o *httpapi.Options) { o.Frame.Key = key })
	s.untouched(func() {
		for _, d := range s.operations() {
			path := pathParameter.ReplaceAllString(d.path, unknown)
			if len(d.Security) == 1 && len(d.Security[0]) == 0 { // which says that it needs none
				if got := s.Ask(d.method, path, nil); got.Status == 401 {
					t.Errorf("%s is refused without a key", got.What)
				}
				continue
			}
			for _, headers := range [][]string{nil, {"X-API-KEY", "a bad key"}, {"Authorization", "Bearer a bad key"}, {"X-API-KEY", ""}} {
				got := s.Ask(d.method, path, fields{}, headers...)
				got.Refused(401, problem.CodeAuthRequired)
			}
		}
	})
}

func TestEveryOperationRefusesMalformedIDs(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.untouched(func() {
		for _, d := range s.operations(ended...) {
			if strings.Contains(d.path, "{") && strings.HasPrefix(d.path, "/api/") && d.Tags[0] != "docs" {
				for _, bad := range []string{"nope", "123", strings.Repeat("a", 36), "%00", "b850bc3045f80041a00a83df46d8555d"} {
					got := s.Ask(d.method, pathParameter.ReplaceAllString(d.path, bad), nil)
					isClientError(t, got)
					if code := errorCode(got); code != problem.CodeInvalidID && code != problem.CodeInvalidRequest && code != problem.CodeNotFound && code != anyText(d.path) {
						t.Errorf("%s: code %s", got.What, code)
					}
				}
			}
		}
	})
}

func TestEveryPathRefusesMethodsThatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	s := serve(t)
	known := map[string][]string{}
	for _, r := range httpapi.Routes() {
		known[address(r.Path, ann)] = append(known[address(r.Path, ann)], r.Method)
	}
	s.untouched(func() {
		for path, methods := range known {
			for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
				if !slices.Contains(methods, method) {
					got := s.Ask(method, path, nil)
					if code := anyText(path); got.Status == 404 && code != "" {
						got.Refused(404, code)
						continue
					}
					if got.Status == 400 { // a path like /api/agents/worlds is also one of an agent
						got.Refused(400, problem.CodeInvalidID)
						continue
					}
					got.Refused(405, problem.CodeNoMethod)
				}
			}
		}
	})
}
