package httpapi_test

import (
	"fmt"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"annals/events"
	"annals/transport/httpapi/example"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// What holds for every operation that the description has, however many there will be; shapes_test.go and property_test.go
// have more of it. An operation of which it does not hold is named with its reason.

// spelledMemory are the other spellings of paths below an agent.
var spelledMemory = regexp.MustCompile(`/api/memory/(?:agents/)?\{agentId\}`)

// formerly are the names in ElizaOS 1.2.0 of parts of paths, and what they are called since.
var formerly = strings.NewReplacer(
	"/messaging/central-channels", "/messaging/channels", "/messaging/central-servers", "/messaging/message-servers",
	"/messaging/servers", "/messaging/message-servers", "Id/servers", "Id/message-servers", "Id}/servers", "Id}/message-servers",
)

// exampleBody is what the description gives as an example; a file where that is wanted, and nothing where nothing is.
func (d described) exampleBody(t testing.TB) (body any, headers []string) {
	t.Helper()
	switch {
	case d.RequestBody == nil:
		return nil, nil
	case d.RequestBody.Content["multipart/form-data"] != nil:
		content, typ := form(t, "file", "a.txt", "text/plain", "words")
		return content, []string{"Content-Type", typ}
	}
	return jsonText(d.RequestBody.Content["application/json"].Example), nil
}

// without is what an operation answers of a thing that is not there, where that is not 404.
var without = map[string]struct {
	status int
	reason string
}{
	"DELETE /api/agents/{agentId}/memories/{memoryId}":                {200, "recorded so"},
	"DELETE /api/messaging/channels/{channelId}":                      {204, "recorded so"},
	"DELETE /api/messaging/channels/{channelId}/messages":             {204, "recorded so"},
	"DELETE /api/messaging/channels/{channelId}/messages/{messageId}": {204, "recorded so"},
	"DELETE /api/memory/groups/{serverId}":                            {204, "recorded so"},
	"DELETE /api/memory/groups/{serverId}/memories":                   {204, "recorded so"},
	"POST /api/messaging/channels/{channelId}/messages":               {201, "makes its channel, as recorded"},
	"POST /api/agents/{agentId}/import":                               {200, "makes its agent"},
	"POST /api/media/channels/{channelId}/upload":                     {200, "keeps the file whether or not the channel is there, as recorded"},
	"POST /api/media/channels/{channelId}/upload-media":               {200, "keeps the file whether or not the channel is there, as recorded"},
	"POST /api/messaging/channels/{channelId}/upload-media":           {200, "keeps the file whether or not the channel is there, as recorded"},
}

func TestEveryOperationOnWhatIsUnknownIsNotFoundOrAListThatIsEmpty(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, d := range s.operations(ended...) {
		if !strings.Contains(d.path, "{") {
			continue
		}
		route := d.method + " " + spelledMemory.ReplaceAllString(d.path, "/api/agents/{agentId}")
		at := pathParameter.ReplaceAllStringFunc(d.path, func(string) string { return frame.NewID().String() })
		if strings.HasSuffix(d.path, "/search") {
			at += "?q=words"
		}
		body, headers := d.exampleBody(t)
		before := s.Head()
		got := s.Ask(d.method, at, body, headers...)
		exception := without[route]
		switch {
		case exception.reason != "":
			got.Is(exception.status)
		case got.Status == 200 && d.method == "GET":
			var data any
			if got.Data(&data); !nothingIn(data) || !strings.Contains(string(got.Body), "[]") {
				t.Errorf("%s tells of what is not there: %s", got.What, got.Body)
			}
		default:
			got.Is(404)
			isClientError(t, got)
		}
		if exception.status != 200 && exception.status != 201 && s.Head() != before {
			t.Errorf("%s: %d, and yet the log grew", got.What, got.Status)
		}
	}
}

// nothingIn tells of an answer whose lists are empty, or hold nothing but zeros.
func nothingIn(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, value := range v {
			if !nothingIn(value) {
				return false
			}
		}
	case []any:
		for _, value := range v {
			if value != 0.0 {
				return false
			}
		}
	}
	return true
}

// emptied are operations that need nothing of a body.
var emptied = map[string]bool{
	"POST /api/messaging/messages/search": true, "POST /api/server/parked/retry": true,
}

func TestEveryOperationThatNeedsABodyRefusesAnEmptyOne(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.untouched(func() {
		for _, d := range s.shaped() {
			at := pathParameter.ReplaceAllString(d.path, unknown)
			got := s.Ask(d.method, at, "{}")
			switch {
			case emptied[d.method+" "+d.path]:
				got.Is(200)
			case d.method == http.MethodPatch: // changes nothing, of nothing
				got.Refused(404, problem.CodeNotFound)
			default:
				isClientError(t, got)
			}
		}
	})
}

var saysTheLimit = regexp.MustCompile(`at most \d+ bytes`)

func TestEveryBodyThatIsTooLargeForTheLogIsRefusedWhole(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("There")
	world := s.Ask("POST", "/api/agents/"+agent+"/worlds", fields{"name": "Home"}).Is(201).Text("world.id")
	message := s.Ask("POST", chat+"/messages", fields{"author_id": ann, "content": "x", "server_id": "0"}).Is(201).Text("id")
	memory := s.Ask("POST", "/api/agents/"+agent+"/memories", fields{"text": "x"}).Is(201).Text("id")
	there := map[string]string{
		"agentId": agent, "worldId": world, "messageId": message, "memoryId": memory, "serverId": "0", "channelId": strings.TrimPrefix(chat, "/api/messaging/central-channels/"),
	}
	s.Ask("POST", "/api/agents/"+agent+"/start", nil).Is(200)
	examples := strings.NewReplacer(
		example.Agent.String(), agent, example.World.String(), world, example.Message.String(), message, example.Channel.String(), there["channelId"],
		`"roomId":"`+example.Room.String()+`"`, `"roomId":""`,
	)
	huge := strings.Repeat("x", events.MaxSize)
	refused := 0
	for _, d := range s.shaped() {
		at := pathParameter.ReplaceAllStringFunc(d.path, func(p string) string { return there[strings.Trim(p, "{}")] })
		for key, schema := range s.properties(d) {
			var value any = huge
			switch schema.Type {
			case "object":
				value = fields{"text": huge}
			case "array":
				value = []any{huge}
			case "integer", "number", "boolean":
				continue
			}
			before := s.Head()
			got := s.Ask(d.method, at, examples.Replace(d.with(t, key, value)))
			switch {
			case got.Status < 300: // it is none that is kept
			case got.Status == 413:
				refused++
				isClientError(t, got)
				if !saysTheLimit.Match(got.Body) {
					t.Errorf("%s with a huge %s does not say the limit: %.300s", got.What, key, got.Body)
				}
			default:
				isClientError(t, got)
			}
			if after := s.Head(); got.Status >= 300 && after != before {
				t.Errorf("%s with a huge %s: refused with %d, and yet the log grew from %d to %d", got.What, key, got.Status, before, after)
			}
		}
	}
	if !strings.Contains(string(document()), fmt.Sprintf("At most %d bytes in the log", events.MaxSize)) {
		t.Error("the description does not tell the limit of a message")
	}
	if refused < 30 {
		t.Errorf("only %d were too large", refused)
	}
}

func TestEveryOperationRefusesABodyOfAnotherKind(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.untouched(func() {
		for _, d := range s.operations(ended...) {
			if d.method != http.MethodPost && d.method != http.MethodPatch {
				continue
			}
			at := pathParameter.ReplaceAllString(d.path, unknown)
			for _, typ := range []string{"text/plain", "application/xml", "image/png", "nonsense", ""} {
				got := s.Ask(d.method, at, "x", "Content-Type", typ)
				if strings.HasPrefix(d.path, "/api/media/") { // looks for a file, as recorded
					got.Refused(400, problem.CodeInvalidRequest)
				} else {
					got.Refused(400, problem.CodeContentType)
				}
			}
		}
	})
}

func TestOfSeveralThingsInOneBodyAllAreMadeOrNone(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.Ask("POST", chat+"/messages", fields{"author_id": ann, "content": "x", "server_id": "0"}).Is(201)
	huge := strings.Repeat("x", events.MaxSize)
	s.untouched(func() {
		s.Ask("POST", "/api/messaging/ingest-external", fields{"platform": "test", "channelId": path.Base(chat), "messages": []fields{
			{"id": "1", "authorId": "ann", "content": "fits"}, {"id": "2", "authorId": "ann", "content": huge},
		}}).Refused(413, problem.CodeTooLarge)
		s.Ask("POST", "/api/messaging/servers/0/sync-channels", fields{"channels": []fields{
			{"name": "fits", "sourceId": "1"}, {"name": "does not", "sourceId": "2", "metadata": fields{"x": huge}},
		}}).Refused(413, problem.CodeTooLarge)
	})
}

func TestEveryReadIsNoOlderThanItsClientHasSeen(t *testing.T) {
	t.Parallel()
	s := serve(t)
	beyond := events.Token{Log: s.Log, Position: 1 << 40}.String()
	elsewhere := events.Token{Log: frame.NewID(), Position: 1}.String()
	reads := 0
	for _, d := range s.operations(ended...) {
		if !slices.ContainsFunc(d.Parameters, func(p *huma.Param) bool { return p.Name == "X-Annals-After" }) {
			continue
		}
		reads++
		at := pathParameter.ReplaceAllString(d.path, unknown)
		for _, bad := range []string{"nonsense", "7", beyond, elsewhere} {
			s.Ask(d.method, at, nil, "X-Annals-After", bad).Refused(400, problem.CodeInvalidRequest)
		}
		if got := s.Ask(d.method, at, nil, "X-Annals-After", s.now()); got.Status >= 500 || errorCode(got) == problem.CodeInvalidRequest && !strings.HasSuffix(at, "/search") && !strings.HasSuffix(at, "/dm-channel") {
			t.Errorf("%s: %d %s", got.What, got.Status, got.Body)
		}
	}
	if reads < 50 {
		t.Errorf("only %d reads", reads)
	}
}
