package socketio

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// preempted is an answer that pauses after each write although the client has received it, as on a busy machine.
type preempted struct{ http.ResponseWriter }

func (p preempted) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func (p preempted) Write(text []byte) (int, error) {
	n, err := p.ResponseWriter.Write(text)
	if flushErr := http.NewResponseController(p.ResponseWriter).Flush(); err == nil {
		err = flushErr
	}
	time.Sleep(100 * time.Millisecond)
	return n, err
}

// A client polls again as soon as it has an answer. The library puts the poll away only after it was answered, and with it any poll
// that came meanwhile: the session ended, and ElizaOS's web client, which joins its channel while it connects, never joined it.
func TestAPollThatComesWhileTheLastOneIsPutAwayIsAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.hub.ServeHTTP(preempted{rw}, r) }))
	t.Cleanup(server.Close)
	ask := func(method, sid, body string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, method, server.URL+"/socket.io/?EIO=4&transport=polling&sid="+sid, strings.NewReader(body))
		if err != nil {
			return err.Error()
		}
		answer, err := server.Client().Do(r)
		if err != nil {
			return err.Error()
		}
		defer func() { _ = answer.Body.Close() }()
		text, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			return fmt.Sprint(answer.Status, err)
		}
		return string(text)
	}
	_, rest, _ := strings.Cut(ask("GET", "", ""), `"sid":"`)
	sid, _, _ := strings.Cut(rest, `"`)
	polled := make(chan string, 1)
	poll := func() { polled <- ask("GET", sid, "") }
	go poll() // before the answer to the first is put away
	if got := ask("POST", sid, "40"); got != "ok" {
		t.Fatalf("what the client sent is answered with %q", got)
	}
	if got := <-polled; !strings.HasPrefix(got, "40") {
		t.Fatalf("connecting is answered with %q", got)
	}
	for range 3 {
		go poll()
		ask("POST", sid, `42["subscribe_logs"]`)
		if got := <-polled; !strings.HasPrefix(got, "42") && got != "2" {
			t.Fatalf("a subscription is answered with %q", got)
		}
	}
}
