package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"annals/transport/httpapi/frame"
	"annals/transport/httpapi/mcp"
)

// What is no call of the Model Context Protocol is a client's error, in the words of the protocol, and nothing is recorded.
func TestWhatIsNoCallOfTheProtocolIsRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	accepting := []string{"Accept", "application/json, text/event-stream"}
	s.untouched(func() {
		for name, body := range map[string]string{
			"an unknown method": `{"jsonrpc":"2.0","id":1,"method":"tools/dance"}`, "nothing": "", "malformed": `{"jsonrpc":`, "no call": `{}`, "a text": `"x"`, "an array": `[1]`, "not UTF-8": "{\"jsonrpc\":\"\xff\"}",
			"deep":  strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000),
			"large": `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + strings.Repeat("a", frame.MaxBody) + `"}}`,
		} {
			if got := s.Ask("POST", mcp.Path, body, accepting...); got.Status < 400 || got.Status > 499 {
				t.Errorf("%s: status %d: %.200s", name, got.Status, got.Body)
			}
		}
		for name, call := range map[string]string{
			"an unknown tool":        `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"dance","arguments":{}}}`,
			"arguments of no object": `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"history","arguments":7}}`,
			"an unknown resource":    `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"annals://agents/nobody"}}`,
		} {
			got := s.Ask("POST", mcp.Path, call, accepting...)
			var answer struct {
				Error  *struct{ Message string }
				Result struct{ IsError bool }
			}
			if err := json.Unmarshal(got.Body, &answer); err != nil || got.Status >= 500 || answer.Error == nil && !answer.Result.IsError {
				t.Errorf("%s: status %d: %v: %.200s", name, got.Status, err, got.Body)
			}
		}
		for _, method := range []string{"GET", "DELETE", "PUT"} {
			s.Ask(method, mcp.Path, nil).Is(http.StatusMethodNotAllowed)
		}
		s.Ask("POST", mcp.Path, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, append(accepting, "Origin", "https://elsewhere.example")...).Is(http.StatusForbidden)
		s.Ask("POST", mcp.Path, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, append(accepting, "Host", "rebound.example")...).Is(http.StatusForbidden)
	})
}
