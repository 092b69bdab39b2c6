package anthropic

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"annals/commands/reactions"
	"annals/transport/models/anthropic/anthropictest"
	"annals/transport/models/chat"
	"annals/transport/models/modelstest"
)

const key = "sk-ant-never-to-be-seen"

func TestMain(m *testing.M) { modelstest.Main(m, key) }

func model(server *anthropictest.Server) *Model {
	return New(Options{APIKey: key, BaseURL: server.URL + "/v1", Model: "oracle", Budget: 20 * time.Second})
}

var hello = reactions.Prompt{
	Agent: "Iris", System: "Iris knows her plants.",
	Turns: []reactions.Turn{{Name: "Ada", Text: "Hello, Iris."}},
}

func long(anthropictest.Request) string { return " Iris: Good day to you all. " }

func TestTheModelAnswersAsTheAgentWordByWord(t *testing.T) {
	t.Parallel()
	server := anthropictest.Start(t, anthropictest.Script{Answer: long})
	e := &modelstest.Ear{}
	said, err := New(Options{APIKey: key, BaseURL: server.URL, Model: "oracle", MaxTokens: 100}).Stream(t.Context(), hello, e)
	if err != nil {
		t.Fatal(err)
	}
	if said.Text != "Good day to you all." || said.Model != "oracle" || said.PromptTokens != 2 || said.CompletionTokens != 6 || said.Duration <= 0 {
		t.Errorf("got %+v", said)
	}
	if strings.Join(e.Heard, "") != said.Text || len(e.Heard) != 5 || e.Anew != 0 {
		t.Errorf("heard %q", e.Heard)
	}
	want := []anthropictest.Request{{
		Model: "oracle", MaxTokens: 100, Key: key, Stream: true,
		System: []anthropictest.Block{{
			Text: "You are Iris.\n\nIris knows her plants.\n\nAnswer the last message as Iris, in plain text only, without your name in front.",
		}},
		Messages: []anthropictest.Message{{Role: "user", Content: []anthropictest.Block{{Text: "Hello, Iris."}}}},
	}}
	if diff := cmp.Diff(want, server.Requests()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestReasoningIsKeptApartFromTheAnswer(t *testing.T) {
	t.Parallel()
	server := anthropictest.Start(t, anthropictest.Script{Answer: func(anthropictest.Request) string { return "<thinking>It is I.</thinking> Iris: Yes." }})
	e := &modelstest.Ear{}
	said, err := model(server).Stream(t.Context(), hello, e)
	if err != nil || said.Text != "Yes." || said.Reasoning != "What is meant?\nIt is I." || strings.Join(e.Heard, "") != said.Text || e.Anew != 0 {
		t.Errorf("heard %q of %+v, %v", e.Heard, said, err)
	}
}

func TestNobodyNeedListen(t *testing.T) {
	t.Parallel()
	server := anthropictest.Start(t, anthropictest.Script{Answer: long})
	said, err := model(server).Generate(t.Context(), hello)
	if err != nil || said.Text != "Good day to you all." {
		t.Errorf("got %q, %v", said.Text, err)
	}
	empty := anthropictest.Start(t, anthropictest.Script{Answer: func(anthropictest.Request) string { return " \n" }})
	if said, err := model(empty).Generate(t.Context(), hello); err != nil || said.Text != "" {
		t.Errorf("got %q, %v", said.Text, err)
	}
}

func TestWhatMayPassIsAskedAgain(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]anthropictest.Script{
		"overloaded twice":            {Fail: 2, Status: 529},
		"too many requests once":      {Fail: 1, Status: http.StatusTooManyRequests, RetryAfter: "1"},
		"an error":                    {Fail: 1, Status: http.StatusInternalServerError},
		"a connection cut twice":      {Drop: 2},
		"broken off in its midst":     {Break: 3},
		"overloaded, cut, broken off": {Fail: 1, Drop: 1, Break: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			script.Answer = long
			server := anthropictest.Start(t, script)
			e := &modelstest.Ear{}
			said, err := model(server).Stream(t.Context(), hello, e)
			if err != nil || said.Text != "Good day to you all." || strings.Join(e.Heard, "") != said.Text || e.Anew != script.Break {
				t.Fatalf("heard %q of %q after %d beginnings, %v", e.Heard, said.Text, e.Anew, err)
			}
			if got, want := len(server.Requests()), script.Fail+script.Drop+script.Break+1; got != want {
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
		http.StatusBadRequest:            "does not take such a request",
		http.StatusUnauthorized:          "check the API key",
		http.StatusForbidden:             "check the API key",
		http.StatusNotFound:              "check the name of the model",
		http.StatusRequestEntityTooLarge: "does not take such a request",
	} {
		server := anthropictest.Start(t, anthropictest.Script{Fail: 100, Status: status})
		_, err := model(server).Generate(t.Context(), hello)
		if !errors.Is(err, reactions.ErrRefused) || !strings.Contains(err.Error(), remedy) {
			t.Errorf("%d: got %v", status, err)
		}
		if text := fmt.Sprintf("%+v %#v", err, err); strings.Contains(text, key) || strings.Contains(text, "Not with") || strings.Contains(text, "Hello") {
			t.Errorf("%d: too much is said in %v", status, err)
		}
		if n := len(server.Requests()); n != 1 {
			t.Errorf("%d: asked %d times", status, n)
		}
	}
}

func TestWhatIsNotFinalSaysNothingPersonal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script anthropictest.Script
		reason string
	}{
		"overloaded":                           {anthropictest.Script{Fail: 100}, "529"},
		"a server that never answers":          {anthropictest.Script{Delay: time.Hour}, "did not answer within 300ms"},
		"an answer that stalls":                {anthropictest.Script{Answer: long, Between: time.Hour}, "did not answer within 300ms"},
		"a server that wants to be left alone": {anthropictest.Script{Fail: 100, Status: http.StatusTooManyRequests, RetryAfter: "600"}, "429 Too Many Requests"},
		"an answer that is none":               {anthropictest.Script{Raw: "<html>Hello, Ada</html>"}, "something else than a message"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := anthropictest.Start(t, c.script)
			m := New(Options{APIKey: key, BaseURL: server.URL, Model: "oracle", Timeout: 300 * time.Millisecond, Budget: 2 * time.Second})
			began := time.Now()
			_, err := m.Generate(t.Context(), hello)
			if err == nil || !strings.Contains(err.Error(), c.reason) || errors.Is(err, reactions.ErrRefused) || strings.Contains(err.Error(), "Hello") || strings.Contains(err.Error(), key) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestACallerWhoLeavesIsNotHeld(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]anthropictest.Script{
		"before the answer": {Delay: time.Hour},
		"in its midst":      {Answer: func(anthropictest.Request) string { return "Good day" }, Between: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := anthropictest.Start(t, script)
			ctx, leave := context.WithCancel(t.Context())
			go func() {
				for server.Waiting() == 0 && ctx.Err() == nil {
					time.Sleep(time.Millisecond)
				}
				leave()
			}()
			began := time.Now()
			_, err := model(server).Stream(ctx, hello, &modelstest.Ear{})
			if !errors.Is(err, context.Canceled) || errors.Is(err, reactions.ErrRefused) || time.Since(began) > 10*time.Second {
				t.Errorf("got %v after %s", err, time.Since(began))
			}
		})
	}
}

func TestOnlyAClearNoKeepsTheAgentSilent(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]bool{"RESPOND": true, "IGNORE": false, "": true, "Perhaps": true} {
		server := anthropictest.Start(t, anthropictest.Script{Answer: func(anthropictest.Request) string { return word }})
		got, err := model(server).ShouldReply(t.Context(), hello)
		if err != nil || got != want {
			t.Errorf("%q: got %t, %v", word, got, err)
		}
		if asked := server.Requests()[0]; asked.MaxTokens != chat.DecisionTokens || asked.Messages[0].Content[0].Text != "Ada: Hello, Iris.\n\nRESPOND or IGNORE?" {
			t.Errorf("asked %+v", asked)
		}
	}
	refusing := anthropictest.Start(t, anthropictest.Script{Fail: 1, Status: http.StatusForbidden})
	if _, err := model(refusing).ShouldReply(t.Context(), hello); !errors.Is(err, reactions.ErrRefused) {
		t.Errorf("got %v", err)
	}
}

// The endpoint refuses conversations that the API would refuse.
func TestEveryConversationIsTaken(t *testing.T) {
	t.Parallel()
	server := anthropictest.Start(t, anthropictest.Script{})
	m := model(server)
	rapid.Check(t, func(rt *rapid.T) {
		p := reactions.Prompt{Agent: "Iris"}
		for _, own := range rapid.SliceOf(rapid.Bool()).Draw(rt, "own") {
			p.Turns = append(p.Turns, reactions.Turn{Name: "Ada", Own: own, Text: rapid.SampledFrom([]string{"Yes.", " ", ""}).Draw(rt, "text")})
		}
		p.Turns = append(p.Turns, reactions.Turn{Name: "Ada", Text: "Yes?"})
		if _, err := m.Generate(t.Context(), p); err != nil {
			rt.Fatal(err)
		}
	})
}
