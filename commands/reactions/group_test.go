package reactions_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/commands/reactions"
	"annals/events"
)

// chooser is a model that is asked whether to speak.
type chooser struct {
	*model
	speak func(reactions.Prompt) bool
}

func (c chooser) ShouldReply(_ context.Context, p reactions.Prompt) (bool, error) {
	return c.speak(p), nil
}

// In a group, whoever is addressed answers, and everybody does when nobody is.
func TestInAGroupThoseWhoAreAddressedAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris, otto := w.agent("Iris"), w.agent("Otto Lang")
	group := w.channel("GROUP", ada, iris, otto)
	w.live(saying("Good evening."))
	first := w.say(group, "Iris, good evening.")
	w.turn(first, iris)
	irisSaid := events.ReplyID(first, iris)
	adaSaid := w.say(group, "@bob: I shall be late.")

	for _, c := range []struct {
		says      string
		inReplyTo uuid.UUID
		answer    []uuid.UUID
	}{
		{"Good evening to all", uuid.Nil, []uuid.UUID{iris, otto}},
		{"What do you think, iris?", uuid.Nil, []uuid.UUID{iris}},
		{"@IRIS what do you think?", uuid.Nil, []uuid.UUID{iris}},
		{"OTTO LANG and Iris, sing!", uuid.Nil, []uuid.UUID{iris, otto}},
		{"I like irises, otto and Langley", uuid.Nil, []uuid.UUID{iris, otto}},
		{fmt.Sprintf("<@%s> sing!", otto), uuid.Nil, []uuid.UUID{otto}},
		{"@bob, are you there?", uuid.Nil, nil},
		{"Write to bob@example.org", uuid.Nil, []uuid.UUID{iris, otto}},
		{"And you?", irisSaid, []uuid.UUID{iris}},
		{"And you, Otto Lang?", irisSaid, []uuid.UUID{iris, otto}},
		{"I forgot: until nine.", adaSaid, []uuid.UUID{iris, otto}},
	} {
		asked := w.say(group, c.says, c.inReplyTo)
		for _, agent := range []uuid.UUID{iris, otto} {
			w.turn(asked, agent)
		}
		got := w.replies(asked)
		if len(got) != len(c.answer) || len(w.turns(asked)) != 2 {
			t.Errorf("%q: %d replies and %d ends of turns", c.says, len(got), len(w.turns(asked)))
		}
		for i, agent := range c.answer {
			if i < len(got) && got[i].AuthorID != agent {
				t.Errorf("%q: agent %s answered", c.says, got[i].AuthorName)
			}
		}
	}
}

func TestAReplyToAnotherPersonIsForThatPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris, bob := w.agent("Iris"), uuid.New()
	group := w.channel("GROUP", ada, bob, iris)
	w.live(saying("Good evening."))
	asked := w.say(group, "Iris, shall we sing?")
	w.turn(asked, iris)
	answer := w.sayAs(bob, group, "No.", asked)
	w.ignored(answer, iris)
}

func TestAModelThatCanIsAskedWhetherToAnswerWhenNobodyIsAddressed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris, otto := w.agent("Iris"), w.agent("Otto")
	group := w.channel("GROUP", ada, iris, otto)
	w.live(chooser{saying("Good evening."), func(p reactions.Prompt) bool { return p.Agent == "Otto" }})

	all := w.say(group, "Good evening to all")
	if end := w.turn(all, iris); end.Outcome != events.TurnIgnored || end.Reason == "" {
		t.Errorf("the one that chose silence: %+v", end)
	}
	if end := w.turn(all, otto); end.Outcome != events.TurnReplied {
		t.Errorf("the one that chose to speak: %+v", end)
	}
	addressed := w.say(group, "Iris, good evening")
	if end := w.turn(addressed, iris); end.Outcome != events.TurnReplied {
		t.Errorf("the one that was addressed was asked: %+v", end)
	}
}

func TestAnAgentAnswersAnotherOnlyWhenAddressedAndNotForEver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris, otto, uma := w.agent("Iris"), w.agent("Otto"), w.agent("Uma")
	group := w.channel("GROUP", ada, iris, otto, uma)
	text := &model{}
	text.answer = func(_ context.Context, p reactions.Prompt) (reactions.Completion, error) {
		if p.Agent == "Iris" {
			return reactions.Completion{Text: "Otto, what do you say?"}, nil
		}
		return reactions.Completion{Text: "Iris, what do you say?"}, nil
	}
	w.live(text)
	asked := w.say(group, "Iris, please begin")
	speakers := []uuid.UUID{iris, otto}
	for hop := range 4 {
		speaker := speakers[hop%2]
		if end := w.turn(asked, speaker); end.Outcome != events.TurnReplied {
			t.Fatalf("hop %d: %+v", hop, end)
		}
		asked = events.ReplyID(asked, speaker)
		if end := w.turn(asked, uma); end.Outcome != events.TurnIgnored {
			t.Errorf("hop %d: the one that was not addressed: %+v", hop, end)
		}
	}
	w.ignored(asked, iris) // the fourth in a row is the last
}

func TestAnAgentNeverAnswersItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris, otto := w.agent("Iris"), w.agent("Otto")
	text := saying("Hello.")
	w.live(text)
	for _, kind := range []string{"DM", "GROUP"} {
		asked := w.sayAs(iris, w.channel(kind, ada, iris, otto), "Iris, this is Iris")
		w.ignored(asked, otto)
		if turns := w.turns(asked); len(turns) != 1 {
			t.Errorf("%s: %+v", kind, turns)
		}
	}
	// Not even when a log says that it heard itself.
	forged := events.MessageSubmitted{
		MessageID: uuid.New(), ChannelID: w.channel("GROUP", ada, iris), ServerID: events.DefaultServer,
		AuthorID: iris, Content: "Iris!", ByAgent: true, Audience: []uuid.UUID{iris},
	}
	w.log.Record(events.MessageStream(forged.MessageID), time.Now(), forged)
	w.ignored(forged.MessageID, iris)
	if n := len(text.prompts()); n != 0 {
		t.Errorf("the model was asked %d times", n)
	}
}

func TestOnlyWhoTookPartWhenItWasSaidAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris, otto := w.agent("Iris"), w.agent("Otto")
	group := w.channel("GROUP", ada, iris)
	asked := w.say(group, "Iris and Otto, good evening")
	handle(w, commands.JoinChannel{ChannelID: group, ParticipantID: otto})
	w.live(saying("Good evening."))
	later := w.say(group, "Otto, good evening")
	w.turn(later, otto)
	w.answeredOnce(asked, iris)
}
