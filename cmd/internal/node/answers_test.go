package node

import (
	"testing"

	"github.com/google/uuid"

	"annals/events"
)

func TestAnAnswerIsKeptUntilTheAgentIsDone(t *testing.T) {
	t.Parallel()
	a, message, agent := newAnswers(), uuid.New(), uuid.New()
	reply := events.ReplyID(message, agent)
	woken, stop := a.Watch(message)
	defer stop()
	say := func(attempt int64, text string) {
		a.add(events.Chunk{MessageID: reply, InReplyTo: message, Attempt: attempt, Text: text})
		<-woken
	}
	is := func(text string, attempt int64) {
		t.Helper()
		if got, of := a.Text(reply); got != text || of != attempt {
			t.Errorf("there is %q of attempt %d, not %q of %d", got, of, text, attempt)
		}
	}
	is("", 0)
	say(7, "You ")
	say(7, "said")
	is("You said", 7)
	say(8, "I")
	is("I", 8)
	a.end(message, agent)
	<-woken
	if is("", 0); len(a.said) != 0 {
		t.Errorf("%d answers are kept", len(a.said))
	}
}
