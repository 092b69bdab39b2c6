package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/cmd/internal/node"
	"annals/events"
	"annals/transport/models/openai/openaitest"
)

func TestWhyTellsOfEachTurnHoweverItEnded(t *testing.T) {
	t.Parallel()
	stuck := make(chan struct{})
	t.Cleanup(func() { close(stuck) })
	model := openaitest.Start(t, openaitest.Script{Fail: 1, Status: http.StatusUnauthorized, Answer: func(r openaitest.Request) string {
		switch r.Messages[len(r.Messages)-1].Content {
		case "Be silent.":
			return " "
		case "Think hard.":
			<-stuck
		}
		return "Once upon a time."
	}})
	var settings []string
	s := inside(t, func(c *node.Config) {
		speaking(model)(c)
		settings = []string{"DATA_DIR=" + c.DataDir}
	}, func(o *node.Options) { settings = append(settings, "POSTGRES_URL="+o.PostgresURL) })
	agent := s.runningAgent(t, "Teller")
	channel := s.channel(t, "DM", agent)
	why := func(id string, says ...string) {
		t.Helper()
		said := ""
		eventually(t, time.Minute, id+" is told of", func() (told bool) {
			var err error
			said, err = annalsSays(t.Context(), settings, "why", id)
			return err == nil && !strings.Contains(said, "not complete yet")
		})
		for _, part := range append(says, "of agent "+agent, "by anonymous", "because of MessageSubmitted message-") {
			if !strings.Contains(said, part) {
				t.Errorf("%q is not in what is told of %s:\n%s", part, id, said)
			}
		}
	}
	for _, c := range []struct {
		content string
		says    []string
	}{
		{"Refuse.", []string{"outcome: failed: the model refused"}}, // the first request
		{"Tell me a story.", []string{"outcome: replied\n", "model oracle", "answer: {", "Once upon a time.", "useModel:"}},
		{"Be silent.", []string{"outcome: ignored: "}},
		{"Think hard.", []string{"outcome: aborted", "aborted 20"}},
	} {
		wait := "?wait=reply"
		if c.content == "Think hard." {
			wait = ""
		}
		var said struct {
			ID      string
			Replies []struct{ ID string }
		}
		path := "/api/messaging/central-channels/" + channel
		asked := s.must(t, http.StatusCreated, http.MethodPost, path+"/messages"+wait, map[string]any{
			"author_id": somebody, "server_id": defaultServer, "content": c.content,
		})
		if err := asked.data(&said); err != nil {
			t.Fatal(err)
		}
		if wait == "" {
			s.must(t, http.StatusOK, http.MethodPost, path+"/abort", map[string]any{"messageId": said.ID})
		}
		why(said.ID, c.says...)
		why(events.TurnID(uuid.MustParse(said.ID), uuid.MustParse(agent)).String(), c.says...)
		for _, reply := range said.Replies {
			why(reply.ID, c.says...)
		}
	}
	if said, err := annalsSays(t.Context(), settings, "why", nobody); err == nil || !strings.Contains(said, "no message and no turn has the id "+nobody) {
		t.Errorf("%v: %s", err, said)
	}
}
