package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/transport/httpapi/httpapitest"
)

// client speaks to a server as a REST client does.
type client struct {
	base string
	http *http.Client
}

func newClient(base string) *client {
	return &client{base: base, http: &http.Client{
		Timeout:   70 * time.Second,
		Transport: described(&http.Transport{MaxIdleConnsPerHost: 64}),
	}}
}

// undescribed are answers to clients that were not as the API's description has them.
var undescribed atomic.Int64

// described holds every answer against the description, but for what is measured.
func described(next http.RoundTripper) http.RoundTripper {
	if f := flag.Lookup("test.bench"); f != nil && f.Value.String() != "" {
		return next
	}
	return httpapitest.Described().Transport(next, func(err error) {
		undescribed.Add(1)
		fmt.Fprintln(os.Stderr, "not as described:", err)
	})
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// data decodes what the envelope holds.
func (a answer) data(into any) error {
	var e struct {
		Success bool            `json:"success"`
		Data    json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(a.body, &e); err != nil {
		return fmt.Errorf("%d %s: %w", a.status, a.body, err)
	}
	if !e.Success {
		return fmt.Errorf("%d %s", a.status, a.body)
	}
	return json.Unmarshal(e.Data, into)
}

// call sends a JSON body, or none for nil; headers are given as pairs.
func (c *client) call(ctx context.Context, method, path string, body any, headers ...string) (answer, error) {
	var r io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		r = bytes.NewReader(text)
	}
	q, err := http.NewRequestWithContext(ctx, method, c.base+path, r)
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		q.Header.Set(headers[i], headers[i+1])
	}
	res, err := c.http.Do(q)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return answer{status: res.StatusCode, header: res.Header, body: text}, err
}

// must is call for answers that have to come with this status. A server that says when to come back is asked again: on a busy machine
// PostgreSQL may not answer in time.
func (c *client) must(t testing.TB, status int, method, path string, body any, headers ...string) answer {
	t.Helper()
	a, err := c.call(t.Context(), method, path, body, headers...)
	for end := time.Now().Add(time.Minute); err == nil && later(a) && status != a.status && time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
		a, err = c.call(t.Context(), method, path, body, headers...)
	}
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if a.status != status {
		t.Fatalf("%s %s: status %d, not %d: %s", method, path, a.status, status, a.body)
	}
	return a
}

// later reports whether a server is at a loss for now, and says when to come back.
func later(a answer) bool {
	return a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") != ""
}

const (
	defaultServer = "00000000-0000-0000-0000-000000000000"
	somebody      = "11111111-1111-4111-8111-111111111111"
)

// message is one of a channel, as listed.
type message struct {
	ID        string `json:"id"`
	AuthorID  string `json:"authorId"`
	Content   string `json:"content"`
	InReplyTo string `json:"inReplyToRootMessageId"`
}

// messages lists a channel, oldest first, page by page. A server that cannot read now is asked again, as it says.
func (c *client) messages(t testing.TB, channel string) []message {
	t.Helper()
	var all []message
	seen := map[string]bool{}
	for before := ""; ; {
		var page struct {
			Messages []struct {
				message
				Millis int64 `json:"created_at"`
			}
		}
		path := "/api/messaging/central-channels/" + channel + "/messages?limit=1000" + before
		eventually(t, time.Minute, "the messages can be read", func() bool {
			a, err := c.call(t.Context(), http.MethodGet, path, nil)
			if err == nil && later(a) {
				return false
			}
			if err == nil {
				err = a.data(&page)
			}
			if err != nil {
				t.Fatalf("GET %s: %v", path, err)
			}
			return true
		})
		fresh := false
		for _, m := range page.Messages {
			if !seen[m.ID] {
				seen[m.ID], fresh = true, true
				all = append(all, m.message)
			}
		}
		if !fresh {
			slices.Reverse(all)
			return all
		}
		// Messages of the same millisecond may lie on both sides of the border.
		before = fmt.Sprintf("&before=%d", page.Messages[len(page.Messages)-1].Millis+1)
	}
}

// post submits a message and gives its id.
func (c *client) post(ctx context.Context, channel, content string, headers ...string) (string, answer, error) {
	a, err := c.call(ctx, http.MethodPost, "/api/messaging/central-channels/"+channel+"/messages", map[string]any{
		"author_id": somebody, "server_id": defaultServer, "content": content,
		"metadata": map[string]any{"user_display_name": "Somebody"},
	}, headers...)
	if err != nil || a.status != http.StatusCreated {
		return "", a, err
	}
	var m message
	return m.ID, a, a.data(&m)
}

// runningAgent makes an agent and starts it.
func (c *client) runningAgent(t testing.TB, name string) string {
	t.Helper()
	var made struct{ ID string }
	a := c.must(t, http.StatusCreated, http.MethodPost, "/api/agents", map[string]any{
		"characterJson": map[string]any{"name": name, "bio": []string{"Made for a test."}},
	})
	if err := a.data(&made); err != nil {
		t.Fatal(err)
	}
	c.must(t, http.StatusOK, http.MethodPost, "/api/agents/"+made.ID+"/start", map[string]any{})
	return made.ID
}

// channel makes a channel of the given type between somebody and others.
func (c *client) channel(t testing.TB, typ string, others ...string) string {
	t.Helper()
	var made struct{ ID string }
	a := c.must(t, http.StatusCreated, http.MethodPost, "/api/messaging/central-channels", map[string]any{
		"name": "a " + strings.ToLower(typ) + " " + uuid.NewString(), "server_id": defaultServer, "type": typ,
		"participantCentralUserIds": append([]string{somebody}, others...),
	})
	if err := a.data(&made); err != nil {
		t.Fatal(err)
	}
	return made.ID
}
