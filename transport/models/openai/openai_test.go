package openai

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"annals/commands/reactions"
	"annals/transport/models/chat"
	"annals/transport/models/modelstest"
	"annals/transport/models/openai/openaitest"
)

const key = "sk-never-to-be-seen"

func TestMain(m *testing.M) { modelstest.Main(m, key) }

func model(server *openaitest.Server) *Model {
	return New(Options{APIKey: key, BaseURL: server.URL, Model: "oracle", Budget: 20 * time.Second})
}

var hello = reactions.Prompt{
	Agent: "Iris", System: "Iris knows her plants.",
	Turns: []reactions.Turn{{Name: "Ada", Text: "Hello, Iris."}},
}

func TestTheModelAnswersAsTheAgent(t *testing.T) {
	t.Parallel()
	server := openaitest.Start(t, openaitest.Script{Answer: func(openaitest.Request) string { return "Iris: Good day. \n" }})
	said, err := New(Options{APIKey: key, BaseURL: server.URL, Model: "oracle", MaxTokens: 100}).Generate(t.Context(), hello)
	if err != nil {
		t.Fatal(err)
	}
	if said.Text != "Good day." || said.Model != "oracle" || said.PromptTokens == 0 || said.CompletionTokens != 3 || said.Duration <= 0 {
		t.Errorf("got %+v", said)
	}
	want := []openaitest.Request{{
		Model: "oracle", MaxTokens: 100, Authorization: "Bearer " + key,
		Messages: []openaitest.Message{
			{Role: "system", Content: "You are Iris.\n\nIris knows her plants.\n\nAnswer the last message as Iris, in plain text only, without your name in front."},
			{Role: "user", Content: "Hello, Iris."},
		},
	}}
	if diff := cmp.Diff(want, server.Requests()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestAnEmptyAnswerIsNothingToSay(t *testing.T) {
	t.Parallel()
	server := openaitest.Start(t, openaitest.Script{Answer: func(openaitest.Request) string { return " \n" }})
	if said, err := model(server).Generate(t.Context(), hello); err != nil || said.Text != "" {
		t.Errorf("got %q, %v", said.Text, err)
	}
}

func TestWhatMayPassIsAskedAgain(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]openaitest.Script{
		"too many requests once":  {Fail: 1, Status: http.StatusTooManyRequests, RetryAfter: "1"},
		"an error twice":          {Fail: 2, Status: http.StatusInternalServerError},
		"a conflict":              {Fail: 1, Status: http.StatusConflict},
		"a request timed out":     {Fail: 1, Status: http.StatusRequestTimeout},
		"a connection cut twice":  {Drop: 2},
		"an error, then a cut":    {Fail: 1, Drop: 1},
		"a date in the past, 503": {Fail: 1, Status: http.StatusServiceUnavailable, RetryAfter: "Thu, 01 Jan 1970 00:00:00 GMT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := openaitest.Start(t, script)
			said, err := model(server).Generate(t.Context(), hello)
			if err != nil || said.Text != "Hello." {
				t.Fatalf("got %q, %v", said.Text, err)
			}
			if got, want := len(server.Requests()), script.Fail+script.Drop+1; got != want {
				t.Errorf("asked %d times, want %d", got, want)
			}
			if script.RetryAfter == "1" && said.Duration < time.Second {
				t.Errorf("asked again after %s, before the second it was told", said.Duration)
			}
		})
	}
}

func TestARefusalIsFinalAndKeepsTheKeyToItself(t *testing.T) {
	t.Parallel()
	for status, remedy := range map[int]string{
		http.StatusBadRequest:      "does not take such a request",
		http.StatusUnauthorized:    "check the API key",
		http.StatusPaymentRequired: "does not take such a request",
		http.StatusForbidden:       "check the API key",
		http.StatusNotFound:        "check the name of the model",
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			server := openaitest.Start(t, openaitest.Script{Fail: 100, Status: status})
			_, err := model(server).Generate(t.Context(), hello)
			if !errors.Is(err, reactions.ErrRefused) || !strings.Contains(err.Error(), remedy) || !strings.Contains(err.Error(), "as_the_test_wants") {
				t.Errorf("got %v", err)
			}
			if strings.Contains(fmt.Sprintf("%+v %#v", err, err), key) {
				t.Errorf("the key is in %v", err)
			}
			if n := len(server.Requests()); n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

func TestACallerWhoLeavesIsNotHeld(t *testing.T) {
	t.Parallel()
	server := openaitest.Start(t, openaitest.Script{Delay: time.Hour})
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan time.Time, 1)
	go func() {
		until(ctx, func() bool { return server.Waiting() == 1 })
		left <- time.Now()
		leave()
	}()
	_, err := model(server).Generate(ctx, hello)
	if !errors.Is(err, context.Canceled) || errors.Is(err, reactions.ErrRefused) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(<-left); took > 2*time.Second {
		t.Errorf("came back after %s", took)
	}
	until(t.Context(), func() bool { return server.Waiting() == 0 })
}

func TestACallerWhoLeavesDuringThePauseIsNotHeld(t *testing.T) {
	t.Parallel()
	server := openaitest.Start(t, openaitest.Script{Fail: 100, RetryAfter: "10"})
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		until(ctx, func() bool { return len(server.Requests()) == 1 })
		leave()
	}()
	began := time.Now()
	_, err := model(server).Generate(ctx, hello)
	if !errors.Is(err, context.Canceled) || time.Since(began) > 5*time.Second {
		t.Errorf("got %v after %s", err, time.Since(began))
	}
}

func TestTheBudgetEndsTheAttempts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script openaitest.Script
		reason string
	}{
		"a server that keeps failing":          {openaitest.Script{Fail: 100, Status: http.StatusBadGateway}, "502 Bad Gateway"},
		"a server that never answers":          {openaitest.Script{Delay: time.Hour}, "did not answer within 300ms"},
		"a server that wants to be left alone": {openaitest.Script{Fail: 100, Status: http.StatusTooManyRequests, RetryAfter: "600"}, "429 Too Many Requests"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := openaitest.Start(t, c.script)
			m := New(Options{BaseURL: server.URL, Model: "oracle", Timeout: 300 * time.Millisecond, Budget: 2 * time.Second})
			began := time.Now()
			_, err := m.Generate(t.Context(), hello)
			if err == nil || !strings.Contains(err.Error(), c.reason) || errors.Is(err, reactions.ErrRefused) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(began); took > 4*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestAnAnswerThatMakesNoSenseIsAnError(t *testing.T) {
	t.Parallel()
	for raw, complaint := range map[string]string{
		"{":                    "something else than a chat completion",
		"<html>Welcome</html>": "something else than a chat completion",
		`{"choices":"none"}`:   "without saying anything",
		`{"choices":[]}`:       "without saying anything",
		`"` + strings.Repeat("a", maxResponse) + `"`: "more than 524288 bytes",
	} {
		server := openaitest.Start(t, openaitest.Script{Raw: raw})
		_, err := model(server).Generate(t.Context(), hello)
		if err == nil || !strings.Contains(err.Error(), complaint) {
			t.Errorf("%.30q: got %v", raw, err)
		}
	}
}

func TestAnEndpointThatCannotBeThereIsAnError(t *testing.T) {
	t.Parallel()
	server := openaitest.Start(t, openaitest.Script{})
	gone := New(Options{APIKey: key, BaseURL: strings.Replace(server.URL, "/v1", "/nowhere", 1), Model: "oracle"})
	if _, err := gone.Generate(t.Context(), hello); !errors.Is(err, reactions.ErrRefused) {
		t.Errorf("a path that is not served: got %v", err)
	}
	broken := New(Options{APIKey: key, BaseURL: "http://[", Model: "oracle"})
	if _, err := broken.Generate(t.Context(), hello); !errors.Is(err, reactions.ErrRefused) {
		t.Errorf("an address that is none: got %v", err)
	}
}

func TestOnlyAClearNoKeepsTheAgentSilent(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]bool{"RESPOND": true, "IGNORE": false, "ignore.": false, "": true, "Perhaps": true, "RESPOND, not IGNORE": true} {
		server := openaitest.Start(t, openaitest.Script{Answer: func(openaitest.Request) string { return word }})
		got, err := model(server).ShouldReply(t.Context(), hello)
		if err != nil || got != want {
			t.Errorf("%q: got %t, %v", word, got, err)
		}
		asked := server.Requests()[0]
		if asked.MaxTokens != chat.DecisionTokens || asked.Messages[1].Content != "Ada: Hello, Iris.\n\nRESPOND or IGNORE?" {
			t.Errorf("asked %+v", asked)
		}
	}
	refusing := openaitest.Start(t, openaitest.Script{Fail: 1, Status: http.StatusForbidden})
	if _, err := model(refusing).ShouldReply(t.Context(), hello); !errors.Is(err, reactions.ErrRefused) {
		t.Errorf("got %v", err)
	}
}

// until waits for a condition, or for the end of the context.
func until(ctx context.Context, holds func() bool) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
