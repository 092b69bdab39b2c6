package reactions_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"annals/commands/reactions"
	"annals/events"
)

// calls are the bodies of an agent's log about calls of models, in order.
func (w *world) calls() (all []events.LogRecorded, bodies []map[string]any) {
	w.t.Helper()
	for _, l := range facts[events.LogRecorded](w) {
		var body map[string]any
		must(w.t, json.Unmarshal(l.Body, &body))
		all, bodies = append(all, l), append(bodies, body)
	}
	return all, bodies
}

func TestEachCallOfAModelIsInTheAgentsLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	asked := w.say(w.channel("DM", ada, iris), "Good evening, Iris")
	w.live(saying("And to you.\x00"))
	end := w.turn(asked, iris)

	all, bodies := w.calls()
	if len(all) != 1 {
		t.Fatalf("entries: %+v", all)
	}
	l, body := all[0], bodies[0]
	if l.AgentID != iris || l.RoomID != iris || l.EntityID != iris || l.SubjectID != ada || l.TurnID != end.TurnID || l.Type != "useModel:TEXT_LARGE" {
		t.Errorf("entry: %+v", l)
	}
	if prompt, _ := body["prompt"].(string); !strings.Contains(prompt, "Iris") || !strings.HasSuffix(prompt, "Ada: Good evening, Iris") {
		t.Errorf("prompt: %v", body["prompt"])
	}
	for key, want := range map[string]any{
		"modelType": "TEXT_LARGE", "modelKey": "TEXT_LARGE", "provider": "fake", "model": "fake", "response": "And to you.",
		"runId": end.TurnID.String(), "messageId": asked.String(),
	} {
		if body[key] != want {
			t.Errorf("%s: %v, not %v", key, body[key], want)
		}
	}
	if got := fmt.Sprint(body["usage"]); got != "map[completionTokens:3 promptTokens:7 totalTokens:10]" {
		t.Errorf("usage: %s", got)
	}
}

func TestACallThatFailedIsInTheLogBesideTheOneThatDidNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	asked := w.say(w.channel("DM", ada, iris), "Good evening")
	var n atomic.Int32
	w.live(&model{answer: func(context.Context, reactions.Prompt) (reactions.Completion, error) {
		if n.Add(1) < 3 {
			return reactions.Completion{}, fmt.Errorf("it answered %d Service Unavailable", 503)
		}
		return reactions.Completion{Text: "Good evening."}, nil
	}})
	w.turn(asked, iris)
	w.answeredOnce(asked, iris)
	all, bodies := w.calls()
	var errs []any
	for _, b := range bodies {
		errs = append(errs, b["error"])
	}
	if !slices.Equal(errs, []any{"it answered 503 Service Unavailable", "it answered 503 Service Unavailable", nil}) {
		t.Errorf("%d entries, with the errors %v", len(all), errs)
	}
}

func TestTheReasoningOfAModelIsInNothingButTheEntryOfItsCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	asked := w.say(w.channel("DM", ada, iris), "Good evening, Iris")
	w.live(&model{answer: func(context.Context, reactions.Prompt) (reactions.Completion, error) {
		return reactions.Completion{Text: "And to you.", Reasoning: "She is polite.\x00"}, nil
	}})
	w.turn(asked, iris)
	all, _ := w.calls()
	if len(all) != 1 || all[0].Reasoning != "She is polite." {
		t.Fatalf("entries: %+v", all)
	}
	for _, e := range facts[events.Event](w) {
		if l, ok := e.(events.LogRecorded); ok {
			l.Reasoning = ""
			e = l
		}
		if text, err := json.Marshal(e); err != nil || strings.Contains(string(text), "polite") {
			t.Errorf("the reasoning is in %s: %s %v", e.EventType(), text, err)
		}
	}
}

func TestTheDecisionWhetherToSpeakIsInTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	asked := w.say(w.channel("GROUP", ada, iris), "What a day")
	w.live(chooser{saying("Indeed."), func(reactions.Prompt) bool { return false }})
	if end := w.turn(asked, iris); end.Outcome != events.TurnIgnored {
		t.Errorf("the turn ended as %+v", end)
	}
	if all, bodies := w.calls(); len(all) != 1 || all[0].Type != "useModel:TEXT_SMALL" || bodies[0]["response"] != "IGNORE" {
		t.Errorf("entries: %+v", all)
	}
}
