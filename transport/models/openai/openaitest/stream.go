package openaitest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// stream answers in pieces, as Server-Sent Events.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, n int, asked Request) {
	if !s.Pause(r, s.script.Delay) {
		return
	}
	if s.script.Plain != 0 {
		fail(w, s.script.Plain, asked.Authorization)
		return
	}
	var whole struct {
		Choices []struct{ Message Message }
		Usage   json.RawMessage
	}
	if err := json.Unmarshal(s.completion(asked), &whole); err != nil {
		panic(err) // it is ours
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	for field, thought := range s.script.Reasoning {
		send(w, asked, map[string]any{"index": 0, "delta": map[string]any{"content": nil, field: thought}, "finish_reason": nil}, nil)
	}
	between := " "
	if s.script.Letters {
		between = ""
	}
	words := strings.SplitAfter(whole.Choices[0].Message.Content, between)
	for i, word := range words {
		if i == len(words)/2 && n <= s.script.Fail+s.script.Drop+s.script.Break {
			s.breakOff(w, n, asked)
			return
		}
		send(w, asked, map[string]any{"index": 0, "delta": map[string]string{"role": "assistant", "content": word}, "finish_reason": nil}, nil)
		if !s.Pause(r, s.script.Between) {
			return
		}
	}
	send(w, asked, map[string]any{"index": 0, "delta": map[string]string{}, "finish_reason": "stop"}, nil)
	send(w, asked, nil, whole.Usage)
	_, _ = fmt.Fprint(w, "data: [DONE]\n\n")
}

func (s *Server) breakOff(w http.ResponseWriter, n int, asked Request) {
	switch n % 3 {
	case 0:
		panic(http.ErrAbortHandler)
	case 1:
		_, _ = fmt.Fprintf(w, "data: {\"error\":{\"message\":\"Not with %s\",\"type\":\"server_error\"}}\n\n", asked.Authorization)
	}
}

func send(w http.ResponseWriter, asked Request, choice map[string]any, usage json.RawMessage) {
	choices := []any{}
	if choice != nil {
		choices = append(choices, choice)
	}
	body, err := json.Marshal(map[string]any{
		"id": "chatcmpl-test", "object": "chat.completion.chunk", "created": 0, "model": asked.Model, "choices": choices, "usage": usage,
	})
	if err != nil {
		panic(err) // only strings and numbers: cannot be
	}
	_, _ = fmt.Fprintf(w, "data: %s\n\n", body)
	_ = http.NewResponseController(w).Flush()
}
