package openai

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"annals/commands/reactions"
	"annals/transport/models/modelstest"
	"annals/transport/models/openai/openaitest"
)

func long(openaitest.Request) string { return " Iris: Good day to you all. " }

func TestAnAnswerIsHeardWordByWord(t *testing.T) {
	t.Parallel()
	server := openaitest.Start(t, openaitest.Script{Answer: long})
	e := &modelstest.Ear{}
	said, err := model(server).Stream(t.Context(), hello, e)
	if err != nil || said.Text != "Good day to you all." || strings.Join(e.Heard, "") != said.Text || len(e.Heard) != 5 {
		t.Errorf("heard %q of %q, %v", e.Heard, said.Text, err)
	}
	if said.Model != "oracle" || said.PromptTokens == 0 || said.CompletionTokens != 6 || said.Duration <= 0 {
		t.Errorf("it took %+v", said)
	}
	if asked := server.Requests(); len(asked) != 1 || !asked[0].Stream {
		t.Errorf("asked %+v", asked)
	}
}

func TestAnEndpointThatDoesNotStreamIsHeardAtTheEnd(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusOK, http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusNotImplemented} {
		server := openaitest.Start(t, openaitest.Script{Answer: long, Plain: status})
		m := model(server)
		for range 2 {
			e := &modelstest.Ear{}
			said, err := m.Stream(t.Context(), hello, e)
			if err != nil || said.Text != "Good day to you all." || len(e.Heard) != 1 || e.Heard[0] != said.Text {
				t.Errorf("%d: heard %q of %q, %v", status, e.Heard, said.Text, err)
			}
		}
		if n := len(server.Requests()); n != 3 {
			t.Errorf("%d: asked %d times: what does not stream is not asked to again", status, n)
		}
	}
}

func TestAnAnswerThatBreaksOffBeginsAnew(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]openaitest.Script{
		"in its midst, three times": {Answer: long, Break: 3},
		"before it begins":          {Answer: long, Fail: 1, Status: http.StatusTooManyRequests},
		"a connection cut twice":    {Answer: long, Drop: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := openaitest.Start(t, script)
			e := &modelstest.Ear{}
			said, err := model(server).Stream(t.Context(), hello, e)
			if err != nil || said.Text != "Good day to you all." || strings.Join(e.Heard, "") != said.Text || e.Anew != script.Break {
				t.Errorf("heard %q of %q after %d beginnings, %v", e.Heard, said.Text, e.Anew, err)
			}
		})
	}
}

func TestARefusalToStreamKeepsTheKeyToItself(t *testing.T) {
	t.Parallel()
	for _, script := range []openaitest.Script{
		{Fail: 100, Status: http.StatusUnauthorized}, {Fail: 100, Status: http.StatusBadRequest}, {Break: 100, Answer: long},
	} {
		server := openaitest.Start(t, script)
		m := New(Options{APIKey: key, BaseURL: server.URL, Model: "oracle", Budget: time.Second})
		_, err := m.Stream(t.Context(), hello, &modelstest.Ear{})
		if err == nil || strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "Not with") {
			t.Errorf("got %v", err)
		}
		if errors.Is(err, reactions.ErrRefused) != (script.Fail > 0) {
			t.Errorf("final or not: %v", err)
		}
	}
}

func TestAListenerWhoLeavesIsNotHeld(t *testing.T) {
	t.Parallel()
	server := openaitest.Start(t, openaitest.Script{Answer: func(openaitest.Request) string { return "Good day" }, Between: time.Hour})
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	began := time.Now()
	_, err := model(server).Stream(ctx, hello, &modelstest.Ear{First: leave})
	if !errors.Is(err, context.Canceled) || time.Since(began) > 5*time.Second {
		t.Errorf("got %v after %s", err, time.Since(began))
	}
}

func TestAnAnswerThatStallsIsTimedOut(t *testing.T) {
	t.Parallel()
	server := openaitest.Start(t, openaitest.Script{Answer: long, Between: time.Hour})
	m := New(Options{BaseURL: server.URL, Model: "oracle", Timeout: 200 * time.Millisecond, Budget: time.Second})
	_, err := m.Stream(t.Context(), hello, &modelstest.Ear{})
	if err == nil || !strings.Contains(err.Error(), "did not answer within 200ms") {
		t.Errorf("got %v", err)
	}
}
