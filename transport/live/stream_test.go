package live

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/events"
)

func piece(channel, agent uuid.UUID) events.Chunk {
	return events.Chunk{MessageID: uuid.New(), ChannelID: channel, ServerID: events.DefaultServer, AgentID: agent, InReplyTo: uuid.New(), Attempt: 7, Index: 3, Text: "so far"}
}

func TestWhoFollowsAChannelIsShownAnswersWhileTheyComeIntoBeing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	channel, agent := uuid.New(), uuid.New()
	named := `"channels":["` + channel.String() + `"]`
	follows := map[string]bool{
		`{` + named + `}`: true,
		`{` + named + `,"agents":["` + agent.String() + `"]}`:   true,
		`{` + named + `,"agents":["` + uuid.NewString() + `"]}`: false,
		`{` + named + `,"types":["MessageSubmitted"]}`:          false,
		`{` + named + `,"streams":["message-"]}`:                false,
		`{}`:                                                    false,
		`{"channels":["` + uuid.NewString() + `"]}`:             false,
	}
	clients := map[string]*client{}
	for filter := range follows {
		clients[filter], _ = w.watch(`{"id":"mine","subscribe":` + filter + `}`)
	}
	said := piece(channel, agent)
	w.hub.Stream(said)
	for filter, c := range clients {
		c.send(`{"id":"mine","unsubscribe":true}`)
		h := c.next()
		if !follows[filter] {
			if !h.Unsubscribed {
				t.Errorf("%s: %s", filter, h.raw)
			}
			continue
		}
		if h.Stream == nil || *h.Stream != said || h.ID != "mine" || strings.Contains(h.raw, "position") {
			t.Errorf("%s: %s", filter, h.raw)
		}
		if h := c.next(); !h.Unsubscribed {
			t.Errorf("%s: %s", filter, h.raw)
		}
	}
	w.hub.Stream(said)
	for filter, c := range clients {
		c.send(`{}`)
		if h := c.next(); h.Error == nil {
			t.Errorf("%s: shown after it has unsubscribed: %s", filter, h.raw)
		}
	}
	if n := len(w.hub.followers); n != 0 {
		t.Errorf("%d channels are followed by nobody", n)
	}
}

func TestTheShownAnswerDoesNotMoveThePositionToResumeFrom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	channel := uuid.New()
	c, _ := w.watch(`{"subscribe":{"channels":["` + channel.String() + `"]}}`)
	for range 3 {
		w.hub.Stream(piece(channel, uuid.New()))
		if h := c.next(); h.Stream == nil {
			t.Fatalf("not shown: %s", h.raw)
		}
		at := w.record(message(channel, "said"))
		w.publish()
		if h := c.next(); h.Position != w.token(at) || len(h.Events) != 1 {
			t.Fatalf("not pushed: %s", h.raw)
		}
	}
}

// A client that does not read is not closed because of what it is shown, and does not hold up whoever shows it.
func TestWhoIsBehindIsNotShownMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.narrow = true
	channel := uuid.New()
	slow, _ := w.watch(`{"subscribe":{"channels":["` + channel.String() + `"]}}`)
	said := piece(channel, uuid.New())
	said.Text = strings.Repeat("x", 8<<10)
	begun := time.Now()
	const shown = 5000 // some 40 MB
	for i := range shown {
		said.Index = i
		w.hub.Stream(said)
	}
	if took := time.Since(begun); took > patience/2 {
		t.Errorf("showing took %s", took)
	}
	at := w.record(message(channel, "said"))
	w.publish()
	n := 0
	for {
		h := slow.next()
		if h.Stream == nil {
			if h.Position != w.token(at) || len(h.Events) != 1 {
				t.Errorf("not pushed: %s", h.raw)
			}
			break
		}
		n++
	}
	if n == 0 || n >= shown {
		t.Errorf("%d chunks were shown", n)
	}
}
