package httpapi_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"annals/events"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// unkept are POSTs that record nothing, or that are not told apart by their key.
var unkept = map[string]string{
	"/api/messaging/messages/search":                     "asks",
	"/api/history/head":                                  "signs what there is, which is no event",
	"/api/server/logs":                                   "asks",
	"/api/server/parked/retry":                           "finds nothing parked here",
	"/api/server/parked/{eventId}/retry":                 "finds nothing parked here",
	"/api/agents/{agentId}/import":                       "tells of each memory whether it was there, and takes none twice",
	"/mcp":                                               "its tools ask other operations",
	"/api/messaging/channels/{channelId}/generate-title": "is recorded by the reaction, which is not here",
}

// undone is what has to be asked for before the example of a POST changes anything.
var undone = map[string]frame.Route{
	"/api/agents/:agentId/start":                      {Method: "POST", Path: "/api/agents/:agentId/stop"},
	"/api/messaging/channels/:channelId/agents":       {Method: "DELETE", Path: "/api/messaging/channels/:channelId/agents/:agentId"},
	"/api/messaging/message-servers/:serverId/agents": {Method: "DELETE", Path: "/api/messaging/message-servers/:serverId/agents/:agentId"},
}

// other is another body than that of the example.
func other(body any) any {
	text, ok := body.(string)
	switch {
	case !ok:
		return "{}"
	case strings.HasPrefix(text, "{"):
		return text + " "
	}
	return strings.Replace(text, "words", "other words", 1)
}

func TestEveryPostMayBeRepeatedUnderItsKey(t *testing.T) {
	t.Parallel()
	s := serve(t)
	there := s.peopled(0)
	for _, d := range s.operations(ended...) {
		path := pathParameter.ReplaceAllString(d.path, ":$1")
		if d.method != http.MethodPost || unkept[spelledMemory.ReplaceAllString(d.path, "/api/agents/{agentId}")] != "" {
			continue
		}
		if r, ok := undone[path]; ok {
			s.Ask(r.Method, there.about(r.Path), nil).Is(200)
		}
		body, headers := d.exampleBody(t)
		if text, ok := body.(string); ok {
			body = there.examples().Replace(text)
		}
		headers = append(headers, "Idempotency-Key", "key of "+path)
		before := s.Head()
		first := s.Ask("POST", there.about(path), body, headers...).Is(d.success())
		if s.Head() == before || first.Header.Get("X-Annals-Position") == "" {
			t.Errorf("%s: the log grew by %d, position %q", first.What, s.Head()-before, first.Header.Get("X-Annals-Position"))
		}
		s.untouched(func() {
			again := s.Ask("POST", there.about(path), body, headers...).Is(d.success())
			if string(again.Body) != string(first.Body) {
				t.Errorf("%s: %s, then %s", first.What, first.Body, again.Body)
			}
			if at := again.Header.Get("X-Annals-Position"); at != first.Header.Get("X-Annals-Position") {
				t.Errorf("%s: position %s, then %s", first.What, first.Header.Get("X-Annals-Position"), at)
			}
			isClientError(t, s.Ask("POST", there.about(path), other(body), headers...).Is(409))
		})
		if strings.HasSuffix(path, "/stop") {
			there = s.peopled(1)
		}
	}
}

func TestTheLogHasNoHashThatConfirmsAGuessAtABody(t *testing.T) {
	t.Parallel()
	s := serve(t)
	channel := s.conversation("0")
	body := fmt.Sprintf(`{"author_id":%q,"server_id":"0","content":"yes"}`, ann)
	path, key := "/api/messaging/central-channels/"+channel+"/messages", []string{"Idempotency-Key", "k"}
	first := s.Ask("POST", path, body, key...).Is(201).Text("id")
	if again := s.Ask("POST", path, body, key...).Is(201).Text("id"); again != first {
		t.Errorf("repeated: %s and %s", first, again)
	}
	s.Ask("POST", path, strings.Replace(body, "yes", "no", 1), key...).Refused(409, problem.CodeConflict)
	sum := sha256.Sum256([]byte(body))
	guess := hex.EncodeToString(sum[:16])
	id, err := events.ParseID(first)
	must(t, err)
	n := 0
	for e, err := range s.Store.Read(t.Context(), events.MessageStream(id), events.Forwards) {
		must(t, err)
		n++
		derived := events.Derive(e.Meta.Request, string(e.Stream), strconv.FormatUint(e.Revision, 10), guess)
		if e.Meta.Body == "" || e.Meta.Body == guess || e.ID == derived {
			t.Errorf("the log has %s, and the event's id is %s", e.Meta.Body, e.ID)
		}
	}
	if n == 0 {
		t.Error("nothing was recorded")
	}
}
