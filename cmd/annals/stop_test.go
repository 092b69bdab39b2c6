package main

import (
	"net/http"
	"testing"
	"time"

	"annals/cmd/internal/node"
	"annals/transport/models/openai/openaitest"
)

func TestAStoppingServerFinishesWhatIsUnderWay(t *testing.T) {
	model := openaitest.Start(t, openaitest.Script{Delay: 2 * time.Second})
	s := inside(t, func(c *node.Config) { c.OpenAI.BaseURL = model.URL })
	channel := s.channel(t, "DM", s.runningAgent(t, "Last Words"))
	type outcome struct {
		answer
		err error
	}
	answered := make(chan outcome, 1)
	go func() {
		a, err := s.call(t.Context(), http.MethodPost, "/api/messaging/central-channels/"+channel+"/messages?wait=reply", map[string]any{
			"author_id": somebody, "server_id": defaultServer, "content": "Say something before you go.",
		})
		answered <- outcome{a, err}
	}()
	eventually(t, 30*time.Second, "the model is asked", func() bool { return len(model.Requests()) > 0 })
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	got := <-answered
	var sent struct{ Replies []message }
	if got.err != nil || got.status != http.StatusCreated {
		t.Fatalf("%d %s: %v", got.status, got.body, got.err)
	}
	if err := got.data(&sent); err != nil || len(sent.Replies) != 1 {
		t.Errorf("%v: %s", err, got.body)
	}
	if _, err := s.call(t.Context(), http.MethodGet, "/api/server/ping", nil); err == nil {
		t.Error("a stopped server answers")
	}
}
