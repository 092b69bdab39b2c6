package commands_test

import (
	"errors"
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func TestAnAnswerToWhatAnAgentSaidIsOneHopFurther(t *testing.T) {
	t.Parallel()
	log := Open(t, lobbyOpen.And(helloSaid)...)
	byEliza := SubmitMessage{MessageID: guild, ChannelID: lobby, AuthorID: eliza, Content: "How do you do.", InReplyTo: hello}
	r := NewRequest()
	r.Hops = 2
	do(t, log.Env, r, byEliza)
	for what, c := range map[string]struct {
		answered SubmitMessage
		hops     int
	}{"a person": {sayHello(), 0}, "an agent": {byEliza, 3}} {
		r, err := InReplyTo(t.Context(), log.Env, NewRequest(), c.answered.MessageID)
		if err != nil || r.Hops != c.hops {
			t.Errorf("an answer to %s is %d hops away, not %d: %v", what, r.Hops, c.hops, err)
		}
	}
}

func TestOnlyAMessageThatIsThereCanBeAnswered(t *testing.T) {
	t.Parallel()
	for what, past := range map[string]History{
		"never said": lobbyOpen, "deleted": lobbyOpen.And(helloSaid, helloDeleted), "cleared": lobbyOpen.And(helloSaid, lobbyCleared),
		"gone with its channel": lobbyOpen.And(helloSaid, lobbyDeleted),
	} {
		log := Open(t, past...)
		if _, err := InReplyTo(t.Context(), log.Env, NewRequest(), hello); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: the error is %v", what, err)
		}
	}
	log := Open(t, lobbyOpen.And(helloSaid, lobbyDeleted, lobbyCreated, events.MessageSubmitted{MessageID: guild, ChannelID: lobby})...)
	if _, err := InReplyTo(t.Context(), log.Env, NewRequest(), guild); err != nil {
		t.Errorf("what was said in the channel that was made anew: %v", err)
	}
}
