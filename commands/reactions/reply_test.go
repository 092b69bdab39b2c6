package reactions_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/commands/reactions"
	"annals/events"
)

func TestAPersonIsAlwaysAnsweredInADirectChannel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	w.live(chooser{saying("Hello, Ada."), func(reactions.Prompt) bool { return false }})
	for _, kind := range []string{"DM", "VOICE_DM", "SELF", "API"} {
		asked := w.say(w.channel(kind, ada, iris), "@Otto, are you there?")
		end := w.turn(asked, iris)
		w.answeredOnce(asked, iris)
		if end.Model != "fake" || end.PromptTokens != 7 || end.CompletionTokens != 3 || end.DurationMillis != 5 {
			t.Errorf("what it took is not recorded: %+v", end)
		}
	}
}

func TestAReplyCarriesOnWhatItAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	channel := w.channel("DM", ada, iris)
	w.live(saying("  Hello, \x00Ada.\xff "))
	asked := w.say(channel, "Hello")
	w.turn(asked, iris)
	cause := w.await("the message", func(e events.Recorded) bool { return e.Stream == events.MessageStream(asked) })
	reply := w.await("the reply", func(e events.Recorded) bool {
		return e.Stream == events.MessageStream(events.ReplyID(asked, iris))
	})
	m := reply.Event.(events.MessageSubmitted)
	if m.Content != "Hello, Ada.\uFFFD" || m.AuthorID != iris || m.AuthorName != "Iris" || m.ChannelID != channel ||
		m.InReplyTo != asked || m.SourceType != "agent_response" || !m.ByAgent {
		t.Errorf("the reply is %+v", m)
	}
	if reply.Meta.Causation != cause.ID || reply.Meta.Correlation != cause.Meta.Correlation ||
		reply.Meta.Actor != "agent:"+iris.String() || reply.Meta.Hops != 1 {
		t.Errorf("its metadata is %+v", reply.Meta)
	}
	if !bytes.Contains(m.RawMessage, []byte(`"REPLY"`)) || !bytes.Contains(m.Metadata, []byte(`"isDm":true`)) {
		t.Errorf("raw message %s, metadata %s", m.RawMessage, m.Metadata)
	}
}

func TestAModelIsShownTheCharacterAndTheConversationUpToTheMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := uuid.New()
	handle(w, commands.CreateAgent{AgentID: iris, Character: events.Character{
		Name: "Iris", System: "Speak as {{agentName}}.", Bio: []byte(`["A gardener."]`), Topics: []string{"roses"},
		Secrets: map[string]events.Secret{"KEY": events.NewSecret([]byte(`"hidden-value"`))},
	}})
	handle(w, commands.StartAgent{AgentID: iris})
	channel := w.channel("DM", ada, iris)
	text := saying("Roses.")
	w.live(text)
	w.turn(w.say(channel, "What do you grow?"), iris)
	w.turn(w.say(channel, "Which ones?"), iris)

	p := text.prompts()[1]
	want := []reactions.Turn{
		{Name: "Ada", Text: "What do you grow?"}, {Name: "Iris", Own: true, Text: "Roses."}, {Name: "Ada", Text: "Which ones?"},
	}
	if len(p.Turns) != 3 || p.Turns[0] != want[0] || p.Turns[1] != want[1] || p.Turns[2] != want[2] {
		t.Errorf("the conversation is %+v", p.Turns)
	}
	for _, part := range []string{"Speak as Iris.", "A gardener.", "roses"} {
		if !strings.Contains(p.System, part) {
			t.Errorf("the character lacks %q: %s", part, p.System)
		}
	}
	if strings.Contains(p.System, "hidden-value") {
		t.Error("the model is shown a secret")
	}
}

func TestSilenceIsRecordedAsSuch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	w.live(saying(" \x00 "))
	asked := w.say(w.channel("DM", ada, iris), "Hello")
	if end := w.turn(asked, iris); end.Outcome != events.TurnIgnored || end.ReplyID != uuid.Nil || end.Reason == "" {
		t.Errorf("the turn ended as %+v", end)
	}
	if n := len(w.replies(asked)); n != 0 {
		t.Errorf("%d replies", n)
	}
}

// What is gone while the model thinks is not answered, and neither is what was gone before.
func TestNobodyAnswersWhatIsGone(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]func(w *world, agent, channel, message uuid.UUID){
		"the agent was stopped":   func(w *world, a, _, _ uuid.UUID) { handle(w, commands.StopAgent{AgentID: a}) },
		"the agent was deleted":   func(w *world, a, _, _ uuid.UUID) { handle(w, commands.DeleteAgent{AgentID: a}) },
		"the channel was deleted": func(w *world, _, c, _ uuid.UUID) { handle(w, commands.DeleteChannel{ChannelID: c}) },
		"the channel was cleared": func(w *world, _, c, _ uuid.UUID) { handle(w, commands.ClearChannel{ChannelID: c}) },
		"the message was deleted": func(w *world, _, _, m uuid.UUID) { handle(w, commands.DeleteMessage{MessageID: m}) },
	} {
		t.Run(name+" before", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			iris := w.agent("Iris")
			channel := w.channel("DM", ada, iris)
			asked := w.say(channel, "Hello")
			gone(w, iris, channel, asked)
			text := saying("Hello, Ada.")
			w.live(text)
			w.ignored(asked, iris)
			if n := len(text.prompts()); n > 0 {
				t.Error("the model was asked")
			}
		})
		t.Run(name+" meanwhile", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			iris := w.agent("Iris")
			channel := w.channel("DM", ada, iris)
			asked := w.say(channel, "Hello")
			w.live(&model{answer: func(context.Context, reactions.Prompt) (reactions.Completion, error) {
				gone(w, iris, channel, asked)
				return reactions.Completion{Text: "Hello, Ada."}, nil
			}})
			w.ignored(asked, iris)
		})
	}
}

func TestNobodyAnswersWhatWasRecordedAfterItsChannelWasDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	asked := w.tooLate(iris)
	text := saying("Hello, Ada.")
	w.live(text)
	w.ignored(asked, iris)
	if n := len(text.prompts()); n > 0 {
		t.Error("the model was asked")
	}
}

// tooLate records a message in a DM that was deleted meanwhile, and is made anew after it.
func (w *world) tooLate(agent uuid.UUID) (message uuid.UUID) {
	w.t.Helper()
	channel := w.channel("DM", ada, agent)
	handle(w, commands.DeleteChannel{ChannelID: channel})
	message = uuid.New()
	w.log.Record(events.MessageStream(message), time.Now(), events.MessageSubmitted{
		MessageID: message, ChannelID: channel, AuthorID: ada, Content: "Hello", Audience: []uuid.UUID{agent},
	})
	handle(w, commands.CreateChannel{ChannelID: channel, Type: "DM", Participants: []uuid.UUID{ada, agent}})
	return message
}

// ignored fails the test unless the turn ends without a reply.
func (w *world) ignored(message, agent uuid.UUID) {
	w.t.Helper()
	if end := w.turn(message, agent); end.Outcome != events.TurnIgnored || end.Reason == "" {
		w.t.Errorf("the turn ended as %+v", end)
	}
	if n := len(w.replies(message)); n != 0 {
		w.t.Errorf("%d replies", n)
	}
}

func TestAStoppedAgentIsNotAskedForAnAnswerLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	channel := w.channel("DM", ada, iris)
	handle(w, commands.StopAgent{AgentID: iris})
	missed := w.say(channel, "Hello")
	handle(w, commands.StartAgent{AgentID: iris})
	w.live(saying("Hello, Ada."))
	asked := w.say(channel, "And now?")
	w.turn(asked, iris)
	w.answeredOnce(asked, iris)
	w.answeredOnce(missed)
}
