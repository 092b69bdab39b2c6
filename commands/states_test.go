package commands_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

// hall is the lobby as States knows it, and the reads of streams that it took.
type hall struct {
	log OpenedLog
	via *between
	Env
}

func openHall(t testing.TB, facts ...events.Event) *hall {
	h := &hall{log: Open(t, facts...), via: &between{}}
	h.Env = h.via.env(h.log)
	return h
}

// knows expects these participants, after that many reads since the hall was opened.
func (h *hall) knows(t testing.TB, reads int32, want ...uuid.UUID) {
	t.Helper()
	ch, err := h.States.Channel(t.Context(), lobby)
	if err != nil {
		t.Fatal(err)
	}
	sameIDs(t, "the participants", ch.Participants, want...)
	if got := h.via.reads.Load(); got != reads {
		t.Errorf("it took %d reads, not %d", got, reads)
	}
}

// join lets somebody join by way of another node, of which these States learn by Observe alone, and gives the fact.
func (h *hall) join(t testing.TB, who uuid.UUID) events.Recorded {
	t.Helper()
	before := h.log.Now(t)
	do(t, h.log.Env, NewRequest(), JoinChannel{ChannelID: lobby, ParticipantID: who})
	return h.log.Since(t, before)[0]
}

func TestAParentIsReadOnce(t *testing.T) {
	t.Parallel()
	h := openHall(t, lobbyCreated)
	h.knows(t, 1, alice, eliza)
	h.knows(t, 1, alice, eliza)
}

func TestAParentThatIsNotThereIsReadOnceUntilItComes(t *testing.T) {
	t.Parallel()
	h := openHall(t, homeCreated)
	h.knows(t, 1)
	h.knows(t, 1)
	before := h.log.Now(t)
	do(t, h.log.Env, NewRequest(), CreateChannel{ChannelID: lobby, Participants: []uuid.UUID{bob}})
	h.States.Observe(h.log.Since(t, before)[0])
	h.knows(t, 1, bob)
}

func TestWhatTheFeedBringsRefreshesAParentWithoutARead(t *testing.T) {
	t.Parallel()
	h := openHall(t, lobbyCreated)
	h.knows(t, 1, alice, eliza)
	h.States.Observe(h.join(t, bob))
	h.States.Observe(h.join(t, parry))
	h.knows(t, 1, alice, eliza, bob, parry)
}

func TestEachKindOfParentIsRefreshed(t *testing.T) {
	t.Parallel()
	log := Open(t, guildCreated, elizaCreated)
	p := NewStates(log.Store)
	if s, err := p.Server(t.Context(), guild); err != nil || len(s.Agents) > 0 {
		t.Fatalf("the server is %+v, %v", s, err)
	}
	if a, err := p.Agent(t.Context(), eliza); err != nil || a.Running {
		t.Fatalf("the agent is %+v, %v", a, err)
	}
	do(t, log.Env, NewRequest(), StartAgent{AgentID: eliza})
	log.Record(events.ServerStream(guild), Noon, events.AgentJoinedServer{ServerID: guild, AgentID: eliza})
	for _, e := range log.Since(t, 0) {
		p.Observe(e)
	}
	if s, err := p.Server(t.Context(), guild); err != nil || !s.Agents[eliza].Joined {
		t.Errorf("the server is %+v, %v", s, err)
	}
	if a, err := p.Agent(t.Context(), eliza); err != nil || !a.Running {
		t.Errorf("the agent is %+v, %v", a, err)
	}
}

func TestWhatThisProcessWroteItselfIsKnownAtOnce(t *testing.T) {
	t.Parallel()
	h := openHall(t, lobbyCreated)
	h.knows(t, 1, alice, eliza)
	do(t, h.Env, NewRequest(), UpdateChannel{ChannelID: lobby, Participants: &[]uuid.UUID{bob, parry}})
	h.knows(t, 2, bob, parry) // the second read is the command's own
	for _, e := range h.log.Since(t, 0) {
		h.States.Observe(e)
	}
	h.knows(t, 2, bob, parry)
}

func TestAFactThatWasSeenBeforeIsIgnored(t *testing.T) {
	t.Parallel()
	h := openHall(t, lobbyCreated)
	joined := h.join(t, bob)
	h.knows(t, 1, alice, eliza, bob)
	h.States.Observe(joined)
	h.States.Observe(joined)
	h.knows(t, 1, alice, eliza, bob)
}

func TestAParentIsReadAgainAfterAGap(t *testing.T) {
	t.Parallel()
	h := openHall(t, lobbyCreated)
	h.knows(t, 1, alice, eliza)
	missed := h.join(t, bob)
	h.States.Observe(h.join(t, parry))
	h.knows(t, 2, alice, eliza, bob, parry)
	h.States.Observe(missed)
	h.knows(t, 2, alice, eliza, bob, parry)
}

func TestAReadThatAFactOvertookIsNotKept(t *testing.T) {
	t.Parallel()
	h := openHall(t, lobbyCreated)
	h.via.afterRead = func() {
		h.via.afterRead = nil
		h.States.Observe(h.join(t, bob))
	}
	h.knows(t, 1, alice, eliza) // as it was when it was read
	h.knows(t, 2, alice, eliza, bob)
	h.knows(t, 2, alice, eliza, bob)
}

func TestAReadThatAnotherOvertookIsNotKept(t *testing.T) {
	t.Parallel()
	h := openHall(t, lobbyCreated)
	h.via.afterRead = func() {
		h.via.afterRead = nil
		h.join(t, bob)
		h.knows(t, 2, alice, eliza, bob)
	}
	h.knows(t, 2, alice, eliza, bob)
	h.knows(t, 2, alice, eliza, bob)
}

func TestAParentThatCannotBeReadIsToldAndTriedAgain(t *testing.T) {
	t.Parallel()
	h := openHall(t, lobbyCreated)
	h.knows(t, 1, alice, eliza)
	joined := h.join(t, bob)
	isJoined := func(e events.Event) bool { return e == joined.Event }
	h.via.unreadable = isJoined
	unread := joined
	unread.Event = events.Unknown{Type: "ParticipantJoined", Reason: errNewer}
	h.States.Observe(unread)
	_, err := h.States.Channel(t.Context(), lobby)
	if !errors.Is(err, errNewer) || !strings.Contains(err.Error(), "look at channel-"+lobby.String()) {
		t.Errorf("the error is %v", err)
	}
	h.via.unreadable = nil
	h.knows(t, 3, alice, eliza, bob)
}

func TestStatesEndUpAsTheLogTellsHoweverManyWriteAndRead(t *testing.T) {
	t.Parallel()
	h := openHall(t, events.ChannelCreated{ChannelID: lobby})
	const each = 20
	var parts sync.WaitGroup
	parts.Go(func() {
		for e, err := range h.log.Subscribe(t.Context(), 0, events.Filter{}) {
			if err != nil {
				continue
			}
			if h.States.Observe(e); e.Revision == 2*each {
				return
			}
		}
	})
	// Two nodes write: the one whose States these are, and another.
	for _, b := range []Env{h.Env, h.log.Env} {
		parts.Go(func() {
			for range each {
				joinAndLook(t, b, h.States)
			}
		})
	}
	parts.Wait()
	all := participants(t, h.log.Env)
	ch, err := h.States.Channel(t.Context(), lobby)
	if err != nil || len(all) != 2*each || !slices.Equal(ch.Participants, all) {
		t.Errorf("%d take part, of whom States knows %d (%v)", len(all), len(ch.Participants), err)
	}
}

// joinAndLook lets somebody join, again while others are always first, and asks States meanwhile.
func joinAndLook(t testing.TB, b Env, p *States) {
	for r, join := NewRequest(), (JoinChannel{ChannelID: lobby, ParticipantID: uuid.New()}); ; {
		_, err := Handle(t.Context(), b, r, join)
		if _, other := p.Channel(t.Context(), lobby); other != nil {
			t.Error(other)
		}
		if !errors.Is(err, events.ErrConflict) {
			if err != nil {
				t.Error(err)
			}
			return
		}
	}
}
