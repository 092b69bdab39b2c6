package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"annals/transport/models/openai/openaitest"
)

func TestTheReasoningOfAModelIsShownToNobodyButAsksWhy(t *testing.T) {
	t.Parallel()
	const thought, answer = "The visitor wants a tale.", "Once upon a time."
	model := openaitest.Start(t, openaitest.Script{
		Letters: true, Answer: func(openaitest.Request) string {
			return "<think>\n" + thought + "\n</think>\n\n" + answer + "<|im_end|>"
		},
	})
	s := inside(t, speaking(model))
	agent := s.runningAgent(t, "Teller")
	channel := s.channel(t, "DM", agent)
	room := s.listen(t, channel)
	if _, _, err := s.post(t.Context(), channel, "Tell me a story."); err != nil {
		t.Fatal(err)
	}
	room.until("messageBroadcast", nil) // the question
	shown, broadcast := room.chunks("messageBroadcast")
	var said struct{ ID, Text string }
	if err := json.Unmarshal(broadcast, &said); err != nil {
		t.Fatal(err)
	}
	if text, attempts := assemble(t, shown); text != answer || attempts != 1 || said.Text != answer {
		t.Errorf("shown was %q in %d attempts, and said %q", text, attempts, said.Text)
	}
	room.chunks("messageComplete")
	var why struct{ Calls []struct{ Reasoning string } }
	eventually(t, time.Minute, "the history has the answer", func() bool { // pushed by then are the read models of messages
		a, err := s.call(t.Context(), http.MethodGet, "/api/history/messages/"+said.ID+"/why", nil)
		if err != nil || a.status == http.StatusNotFound {
			return false
		}
		if err := a.data(&why); err != nil {
			t.Fatal(err)
		}
		return true
	})
	if len(why.Calls) != 1 || why.Calls[0].Reasoning != thought {
		t.Errorf("the calls were %+v", why.Calls)
	}
	for _, path := range []string{
		"/api/messaging/central-channels/" + channel + "/messages", "/api/agents/" + agent + "/logs", "/api/agents/" + agent + "/memories",
		"/api/memory/agents/" + agent + "/export",
	} {
		if body := string(s.must(t, http.StatusOK, http.MethodGet, path, nil).body); strings.Contains(body, thought) || strings.Contains(body, "think>") {
			t.Errorf("%s: %s", path, body)
		}
	}
}
