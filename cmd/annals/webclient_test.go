package main

import (
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"testing"
	"time"

	"annals/cmd/internal/node"
	"annals/transport/models/openai/openaitest"
)

// browsing makes a client behave as the web client of ElizaOS does in its browser: it shows its key as a header, where there
// is one, and keeps the cookie that it gets for that, which is all that it has for sockets.
func (c *client) browsing(t *testing.T, key string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c.http.Jar, c.http.Transport = jar, showing{key, c.http.Transport}
}

type showing struct {
	key  string
	next http.RoundTripper
}

func (s showing) RoundTrip(r *http.Request) (*http.Response, error) {
	if r = r.Clone(r.Context()); s.key != "" {
		r.Header.Set("X-API-KEY", s.key)
	}
	return s.next.RoundTrip(r)
}

// hushed answers all but those that say hush.
func hushed(asked openaitest.Request) string {
	all := jsonOf(asked.Messages)
	switch {
	case !strings.Contains(all, "RESPOND"):
		return "I hear you."
	case strings.Contains(all, "hush"):
		return "IGNORE"
	}
	return "RESPOND"
}

func TestAGroupOfAgentsAnswersAVisitorWhoIsNotInIt(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{"without a key": "", "with a key": "secret"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model := openaitest.Start(t, openaitest.Script{Answer: hushed})
			s := inside(t, func(c *node.Config) { c.Key, c.OpenAI.BaseURL, c.OpenAI.Model = key, model.URL, "oracle" })
			s.browsing(t, key)
			names := map[string]string{s.runningAgent(t, "Ada"): "Ada", s.runningAgent(t, "Bert"): "Bert"}
			agents := make([]string, 0, len(names))
			for id := range names {
				agents = append(agents, id)
			}
			var made struct{ ID string }
			if err := s.must(t, http.StatusCreated, http.MethodPost, "/api/messaging/central-channels", map[string]any{
				"name": "Round Table", "server_id": defaultServer, "type": "GROUP", "participantCentralUserIds": agents,
			}).data(&made); err != nil {
				t.Fatal(err)
			}
			room := s.listen(t, made.ID)
			room.says(made.ID, "Hello, everybody.")
			spoke := map[string]bool{}
			for range agents {
				spoke[room.broadcast().SenderID] = true
			}
			if !spoke[agents[0]] || !spoke[agents[1]] {
				t.Errorf("it is answered by %v", spoke)
			}
			room.until("messageComplete", nil)
			room.says(made.ID, "Now hush.")
			room.until("messageComplete", func(name string, data json.RawMessage) {
				if name == "messageBroadcast" {
					t.Errorf("silence is broken by %s", data)
				}
			})
			s.remembers(t, made.ID, names)
		})
	}
}

// says sends a message as the web client does, and waits until it is taken.
func (l *listening) says(channel, text string) {
	l.t.Helper()
	l.send(`42["message",` + jsonOf(map[string]any{"type": 2, "payload": map[string]any{
		"senderId": somebody, "senderName": "user", "message": text, "channelId": channel, "roomId": channel, "serverId": defaultServer,
		"messageId": text, "source": "client_group_chat", "metadata": map[string]any{"channelType": "GROUP"},
	}}) + `]`)
	if b := l.broadcast(); b.SenderID != somebody || b.ClientMessageID != text {
		l.t.Errorf("its own message is %+v", b)
	}
}

type said struct{ SenderID, ClientMessageID string }

func (l *listening) broadcast() (b said) {
	l.t.Helper()
	if err := json.Unmarshal(l.until("messageBroadcast", nil), &b); err != nil {
		l.t.Fatal(err)
	}
	return b
}

// remembers fails the test unless the history of a channel has the agents' names where the web client reads them.
func (c *client) remembers(t *testing.T, channel string, names map[string]string) {
	t.Helper()
	var page struct {
		Messages []struct {
			ID, AuthorID string
			CreatedAt    time.Time
			Metadata     struct{ AgentName string }
		}
	}
	if err := c.must(t, http.StatusOK, http.MethodGet, "/api/messaging/central-channels/"+channel+"/messages?limit=30", nil).data(&page); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, m := range page.Messages {
		if ids = append(ids, m.ID); m.Metadata.AgentName != names[m.AuthorID] || m.CreatedAt.IsZero() {
			t.Errorf("listed is %+v", m)
		}
	}
	if slices.Sort(ids); len(slices.Compact(ids)) != 4 {
		t.Errorf("listed are %v", ids)
	}
}

func jsonOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}
