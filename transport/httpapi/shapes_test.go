package httpapi_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

// shapeless are operations that take any JSON: each line of an import is told of by itself, and the log's filters are in the
// address, as recorded.
var shapeless = []string{"/import", "/api/server/logs"}

// shaped are the operations whose bodies have parts, each with its schema.
func (s *fixture) shaped() (all []described) {
	for _, d := range s.operations(ended...) {
		leave := false
		for _, end := range shapeless {
			leave = leave || strings.HasSuffix(d.path, end)
		}
		if !leave && len(s.properties(d)) > 0 {
			all = append(all, d)
		}
	}
	return all
}

// with is the example of a body, but for one part.
func (d described) with(t *testing.T, key string, value any) string {
	t.Helper()
	body := map[string]any{}
	must(t, json.Unmarshal([]byte(jsonText(d.RequestBody.Content["application/json"].Example)), &body))
	body[key] = value
	return jsonText(body)
}

func TestEveryPartOfABodyIsRefusedWhereItHasTheWrongType(t *testing.T) {
	t.Parallel()
	s := serve(t)
	tried := 0
	s.untouched(func() {
		for _, d := range s.shaped() {
			at := pathParameter.ReplaceAllString(d.path, unknown) // what passed would be 404
			for key, schema := range s.properties(d) {
				for _, value := range s.wrong(schema) {
					if got := s.Ask(d.method, at, d.with(t, key, value)); got.Status != 400 {
						t.Errorf("%s: %s may be %v: %d %s", got.What, key, value, got.Status, got.Body)
					} else {
						isClientError(t, got)
					}
					tried++
				}
			}
		}
	})
	if tried < 400 {
		t.Errorf("only %d were tried", tried)
	}
}

var wrong = map[string][]any{
	"string": {true, []any{}, fields{}, []any{"x"}}, "object": {"x", 5, []any{}, true}, "array": {"x", 5, fields{}, true},
	"boolean": {"x", 5, []any{}, fields{}}, "integer": {"x", true, []any{}, fields{}, 1.5}, "number": {"x", true, []any{}, fields{}},
}

// wrong are values that do not fit a schema, at any depth.
func (s *fixture) wrong(schema *huma.Schema) []any {
	if schema.Ref != "" {
		schema = s.API.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref)
	}
	values := slices.Clone(wrong[schema.Type])
	if schema.Items != nil {
		for _, item := range s.wrong(schema.Items) {
			values = append(values, []any{item})
		}
	}
	for key, member := range schema.Properties {
		for _, value := range s.wrong(member) {
			values = append(values, fields{key: value})
		}
	}
	return values
}

func TestEveryParameterIsRefusedWhereItHasTheWrongType(t *testing.T) {
	t.Parallel()
	s := serve(t)
	wrong := map[string][]string{"integer": {"x", "1.5", "99999999999999999999", "true"}, "boolean": {"x", "7"}, "number": {"x", "true"}}
	tried := 0
	s.untouched(func() {
		for _, d := range s.operations(ended...) {
			for _, p := range d.Parameters {
				if p.In != "query" {
					continue
				}
				for _, value := range wrong[p.Schema.Type] {
					got := s.Ask(d.method, pathParameter.ReplaceAllString(d.path, ann)+"?"+p.Name+"="+value, nil)
					if got.Status != 400 {
						t.Errorf("%s: %d %.200s", got.What, got.Status, got.Body)
					} else {
						isClientError(t, got)
					}
					tried++
				}
			}
		}
	})
	if tried < 100 {
		t.Errorf("only %d were tried", tried)
	}
}

// freely are parts of bodies called ids that need not be any, by the end of the route and their name.
var freely = map[string]string{
	"/rooms serverId": "any text, as recorded", "/worlds serverId": "any text, as recorded",
	"/rooms messageServerId": "any text, as serverId", "/worlds messageServerId": "any text, as serverId",
	"/messages in_reply_to_message_id": "dropped, as recorded", "/ingest-external in_reply_to_message_id": "dropped, as recorded",
	"/ingest-external author_id": "a name elsewhere", "/ingest-external server_id": "a name elsewhere", "/ingest-external message_server_id": "a name elsewhere", "/ingest-external source_id": "a name elsewhere",
	"channels sourceId": "a name elsewhere", "servers sourceId": "a name elsewhere",
	"/groups/:serverId serverId": "the path has it", "/complete messageId": "channel_id counts",
	"/ingest-external channelId": "channel_id counts", "/submit channelId": "channel_id counts", "/submit agentId": "author_id counts",
	"/submit inReplyToMessageId": "in_reply_to_message_id counts",
	"/action channelId":          "as of /submit", "/action agentId": "as of /submit", "/action inReplyToMessageId": "as of /submit",
	"/messages messageId": "the client's own name of its message",
}

func TestEveryIDInABodyIsRefusedWhereItIsNone(t *testing.T) {
	t.Parallel()
	s := serve(t)
	there := s.peopled(0)
	tried := 0
	for _, d := range s.shaped() {
		path := pathParameter.ReplaceAllString(d.path, ":$1")
		for key := range s.properties(d) {
			if !strings.HasSuffix(strings.ToLower(key), "id") || free(path, key) {
				continue
			}
			for _, bad := range []string{"nope", "123", strings.ReplaceAll(ann, "-", ""), "{" + ann + "}", ann + "0"} {
				s.untouched(func() {
					isClientError(t, s.Ask(d.method, there.about(path), there.examples().Replace(d.with(t, key, bad))))
				})
				tried++
			}
		}
	}
	if tried < 150 {
		t.Errorf("only %d were tried", tried)
	}
}

func free(path, key string) bool {
	for named := range freely {
		if strings.HasSuffix(path+" "+key, named) {
			return true
		}
	}
	return false
}
