package commands_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/uuid"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func TestAnAgentJoinsAServerOnce(t *testing.T) {
	t.Parallel()
	join, joined := JoinServer{ServerID: guild, AgentID: eliza}, events.AgentJoinedServer{ServerID: guild, AgentID: eliza}
	past := Given(guildCreated, elizaCreated)
	When(past, join).Then(t, joined)
	When(past.And(joined), join).Then(t)
	When(past.And(joined, events.AgentLeftServer{ServerID: guild, AgentID: eliza}), join).Then(t, joined)
}

func TestOnlyAnAgentThatExistsJoinsAServerThatExists(t *testing.T) {
	t.Parallel()
	join := JoinServer{ServerID: guild, AgentID: eliza}
	When(Given(elizaCreated), join).ThenFails(t, ErrNotFound, "server "+guild.String()+" not found")
	When(Given(guildCreated), join).ThenFails(t, ErrNotFound, "agent "+eliza.String()+" not found")
	When(Given(guildCreated, elizaCreated, elizaDeleted), join).ThenFails(t, ErrNotFound, "agent")
}

// hears reports whether a message in the guild would reach Eliza.
func hears(t *testing.T, b Env) bool {
	t.Helper()
	say := SubmitMessage{MessageID: uuid.New(), ChannelID: lobby, ServerID: guild, AuthorID: alice, Content: "Hello."}
	outcome, err := Try(t.Context(), b, NewRequest(), say)
	if err != nil {
		t.Fatal(err)
	}
	return len(outcome.Facts[0].(events.MessageSubmitted).Audience) == 1
}

func TestAMembershipHasAStreamOfItsOwnWhereverTheLastOneWasRecorded(t *testing.T) {
	t.Parallel()
	joined, left := events.AgentJoinedServer{ServerID: guild, AgentID: eliza}, events.AgentLeftServer{ServerID: guild, AgentID: eliza}
	for name, before := range map[string][]events.Event{"new": nil, "old, joined": {joined}, "old, left": {joined, left}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := Open(t, lobbyOpen.And(elizaStarted, guildCreated).And(before...)...)
			want := name == "old, joined"
			if got := hears(t, log.Env); got != want {
				t.Fatalf("before, she hears it: %v", got)
			}
			for range 3 {
				if want {
					do(t, log.Env, NewRequest(), LeaveServer{ServerID: guild, AgentID: eliza})
				} else {
					do(t, log.Env, NewRequest(), JoinServer{ServerID: guild, AgentID: eliza})
				}
				want = !want
				fresh := Env{Store: log.Store, States: NewStates(log.Store)}
				if got := hears(t, log.Env); got != want || hears(t, fresh) != want {
					t.Errorf("she hears it: %v", got)
				}
			}
			log.Record(events.ServerStream(guild), Noon, joined) // by a node of an older build
			if fresh := (Env{Store: log.Store, States: NewStates(log.Store)}); !hears(t, fresh) {
				t.Error("what an older build records counts no more")
			}
		})
	}
}

func TestManyAgentsJoinAServerAtOnceWithoutAConflict(t *testing.T) {
	t.Parallel()
	const agents = 64
	past := Given(homeCreated)
	for i := range agents {
		past = past.And(events.AgentCreated{AgentID: events.Derive(guild, string(rune('0'+i))), Character: doctor})
	}
	log, via := Open(t, past...), &between{}
	env := via.env(log)
	var joining sync.WaitGroup
	for i := range agents {
		joining.Go(func() {
			agent := events.Derive(guild, string(rune('0'+i)))
			if _, err := Handle(context.Background(), env, NewRequest(), JoinServer{AgentID: agent}); err != nil {
				t.Error(err)
			}
		})
	}
	joining.Wait()
	if n := via.appends.Load(); n != agents {
		t.Errorf("%d appends for %d agents", n, agents)
	}
	home, err := LoadStream[Server](t.Context(), log.Env, events.ServerStream(events.DefaultServer))
	if err != nil || len(home.State().Agents) != 0 {
		t.Errorf("the stream of the server has %d agents, %v", len(home.State().Agents), err)
	}
}

func TestCommandsThatMeetOnOneStreamAllSucceed(t *testing.T) {
	t.Parallel()
	log := Open(t, homeCreated, lobbyCreated)
	var joining sync.WaitGroup
	for range 32 {
		joining.Go(func() {
			if _, err := Handle(context.Background(), log.Env, NewRequest(), JoinChannel{ChannelID: lobby, ParticipantID: uuid.New()}); err != nil {
				t.Error(err)
			}
		})
	}
	joining.Wait()
	if n := len(participants(t, log.Env)); n != 2+32 {
		t.Errorf("%d take part", n)
	}
}
