package commands_test

import (
	"context"
	"encoding/json"
	"iter"
	"testing"
	"time"

	"github.com/google/uuid"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

var (
	talk     = uuid.MustParse("7a1c0000-0000-4000-8000-000000000000") // a session
	halfHour = events.SessionTimeout{TimeoutMinutes: 30, AutoRenew: true, MaxDurationMinutes: 60, WarningThresholdMinutes: 5}
	begun    = events.SessionClock{CreatedAt: Noon.Add(-20 * time.Minute), LastActivity: Noon.Add(-20 * time.Minute), ExpiresAt: Noon.Add(10 * time.Minute), Timeout: halfHour}
)

// sessionAt is the session with a clock.
func sessionAt(clock events.SessionClock) events.SessionCreated {
	return events.SessionCreated{SessionID: talk, ChannelID: lobby, AgentID: eliza, UserID: alice, Clock: clock}
}

func TestASessionBeginsWithARunningAgent(t *testing.T) {
	t.Parallel()
	create := CreateSession{SessionID: talk, ChannelID: lobby, AgentID: eliza, UserID: alice, Metadata: json.RawMessage(`{"k":1}`), Timeout: halfHour}
	When(Given(elizaCreated, elizaStarted), create).Then(t, events.SessionCreated{
		SessionID: talk, ChannelID: lobby, AgentID: eliza, UserID: alice, Metadata: json.RawMessage(`{"k":1}`),
		Clock: events.SessionClock{CreatedAt: Noon, LastActivity: Noon, ExpiresAt: Noon.Add(30 * time.Minute), Timeout: halfHour},
	})
	When(Given(elizaCreated), create).ThenFails(t, ErrNotFound, "agent")
	When(Given(elizaCreated, elizaStarted, sessionAt(begun)), create).Then(t)
}

func TestEachUseOfASessionBeginsItsTimeAnewUntilTheLongestDuration(t *testing.T) {
	t.Parallel()
	clock := begun
	clock.LastActivity, clock.ExpiresAt, clock.RenewalCount = Noon, Noon.Add(30*time.Minute), 1
	used := func(c events.SessionClock) events.SessionUsed {
		return events.SessionUsed{SessionID: talk, ChannelID: lobby, AgentID: eliza, UserID: alice, Clock: c}
	}
	When(Given(sessionAt(begun)), UseSession{SessionID: talk}).Then(t, used(clock))
	late := begun
	late.CreatedAt, late.ExpiresAt = Noon.Add(-55*time.Minute), Noon.Add(5*time.Minute)
	capped := late
	capped.LastActivity, capped.RenewalCount = Noon, 1
	When(Given(sessionAt(late)), UseSession{SessionID: talk}).Then(t, used(capped))
}

func TestASessionThatDoesNotRenewItselfIsRenewedOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	fixed := begun
	fixed.Timeout.AutoRenew = false
	used := fixed
	used.LastActivity = Noon
	When(Given(sessionAt(fixed)), UseSession{SessionID: talk}).
		Then(t, events.SessionUsed{SessionID: talk, ChannelID: lobby, AgentID: eliza, UserID: alice, Clock: used})
	renewed := used
	renewed.RenewalCount, renewed.ExpiresAt = 1, Noon.Add(30*time.Minute)
	When(Given(sessionAt(fixed)), RenewSession{SessionID: talk}).
		Then(t, events.SessionRenewed{SessionID: talk, ChannelID: lobby, AgentID: eliza, UserID: alice, Clock: renewed})
}

func TestASessionWithOtherRulesEndsAsIfItHadAlwaysHadThem(t *testing.T) {
	t.Parallel()
	hour := events.SessionTimeout{TimeoutMinutes: 60, MaxDurationMinutes: 120, WarningThresholdMinutes: 1}
	changed := begun
	changed.Timeout, changed.ExpiresAt = hour, begun.CreatedAt.Add(time.Hour)
	When(Given(sessionAt(begun)), ChangeSessionTimeout{SessionID: talk, Timeout: hour}).
		Then(t, events.SessionTimeoutChanged{SessionID: talk, ChannelID: lobby, AgentID: eliza, UserID: alice, Clock: changed})
	When(Given(sessionAt(begun)), ChangeSessionTimeout{SessionID: talk, Timeout: halfHour}).Then(t)
}

func TestASessionExpiresAtItsDeadlineAndNotBefore(t *testing.T) {
	t.Parallel()
	over := begun
	over.ExpiresAt = Noon
	expired := events.SessionExpired{SessionID: talk, ChannelID: lobby, AgentID: eliza, UserID: alice, Clock: over}
	When(Given(sessionAt(over)), ExpireSession{SessionID: talk}).Then(t, expired)
	When(Given(sessionAt(over), expired), ExpireSession{SessionID: talk}).Then(t)
	over.ExpiresAt = Noon.Add(time.Millisecond)
	When(Given(sessionAt(over)), ExpireSession{SessionID: talk}).ThenFails(t, ErrEarly)
	When(Given(), ExpireSession{SessionID: talk}).Then(t)
}

func TestWhatIsAskedOfASessionThatIsOverIsRefused(t *testing.T) {
	t.Parallel()
	over := begun
	over.ExpiresAt = Noon
	deleted := events.SessionDeleted{SessionID: talk, ChannelID: lobby, AgentID: eliza, UserID: alice, Clock: begun}
	for _, past := range []History{Given(sessionAt(over)), Given(sessionAt(begun), events.SessionExpired{SessionID: talk, Clock: begun})} {
		When(past, UseSession{SessionID: talk}).ThenFails(t, ErrEnded)
		When(past, RenewSession{SessionID: talk}).ThenFails(t, ErrEnded)
		When(past, ChangeSessionTimeout{SessionID: talk}).ThenFails(t, ErrEnded)
	}
	for _, past := range []History{Given(), Given(sessionAt(begun), deleted)} {
		When(past, UseSession{SessionID: talk}).ThenFails(t, ErrNotFound)
		When(past, RenewSession{SessionID: talk}).ThenFails(t, ErrNotFound)
		When(past, DeleteSession{SessionID: talk}).ThenFails(t, ErrNotFound)
	}
	When(Given(sessionAt(begun)), DeleteSession{SessionID: talk}).Then(t, deleted)
}

func TestOfASessionTheLastEventAloneIsRead(t *testing.T) {
	t.Parallel()
	log := Open(t, elizaCreated, elizaStarted)
	do(t, log.Env, NewRequest(), CreateSession{SessionID: talk, ChannelID: lobby, AgentID: eliza, UserID: alice, Timeout: halfHour})
	for range 5 {
		do(t, log.Env, NewRequest(), UseSession{SessionID: talk})
	}
	counted := &countingStore{Store: log.Env.Store}
	env := Env{Store: counted, States: log.Env.States}
	s, err := Load[Session](t.Context(), env, events.SessionStream(talk))
	if err != nil || counted.read != 1 || s.Clock.RenewalCount != 5 || s.UserID != alice {
		t.Errorf("after %d events it is %+v, %v", counted.read, s, err)
	}
	r := NewRequest()
	if first := do(t, log.Env, r, UseSession{SessionID: talk}); !first.Changed || do(t, log.Env, r, UseSession{SessionID: talk}) != first {
		t.Errorf("repeated, it is not %+v", first)
	}
}

func TestAUseThatIsRepeatedUnderAKeyCountsOnceAlthoughOthersUseTheSessionMeanwhile(t *testing.T) {
	t.Parallel()
	log := Open(t, elizaCreated, elizaStarted)
	do(t, log.Env, NewRequest(), CreateSession{SessionID: talk, ChannelID: lobby, AgentID: eliza, UserID: alice, Timeout: halfHour})
	r := keyed("body")
	first := do(t, log.Env, r, UseSession{SessionID: talk})
	for range 20 {
		do(t, log.Env, NewRequest(), UseSession{SessionID: talk})
	}
	if again := do(t, log.Env, later(r), UseSession{SessionID: talk}); again != first {
		t.Errorf("the first time the result is %+v, then %+v", first, again)
	}
	if s, err := Load[Session](t.Context(), log.Env, events.SessionStream(talk)); err != nil || s.Clock.RenewalCount != 21 {
		t.Errorf("it was renewed %d times: %v", s.Clock.RenewalCount, err)
	}
}

func TestADeadlineEndsWhatIsDueOnceHoweverOftenItComes(t *testing.T) {
	t.Parallel()
	log := Open(t, elizaCreated, elizaStarted)
	do(t, log.Env, NewRequest(), CreateSession{SessionID: talk, ChannelID: lobby, AgentID: eliza, UserID: alice, Timeout: halfHour})
	d := events.Deadline{ID: talk, Due: Noon.Add(30 * time.Minute), Command: events.ExpireSession}
	for i, at := range []time.Time{Noon, d.Due.Add(-time.Millisecond), d.Due, d.Due, d.Due.Add(time.Hour)} {
		r := NewRequest()
		r.At = at
		done, err := End(t.Context(), log.Env, r, Due{Deadline: d})
		if err != nil || done.Changed != (i == 2) {
			t.Errorf("at %v: %+v, %v", at, done, err)
		}
	}
	if _, err := End(t.Context(), log.Env, NewRequest(), Due{Deadline: events.Deadline{ID: talk, Command: "Unheard"}}); err == nil {
		t.Error("a command that there is not is handled")
	}
}

func TestASessionEndsAsTheReadModelsKnowItUnlessTheLogHasGoneOn(t *testing.T) {
	t.Parallel()
	log := Open(t, elizaCreated, elizaStarted)
	do(t, log.Env, NewRequest(), CreateSession{SessionID: talk, ChannelID: lobby, AgentID: eliza, UserID: alice, Timeout: halfHour})
	known := func() *KnownSession {
		s, err := LoadStream[Session](t.Context(), log.Env, events.SessionStream(talk))
		if err != nil {
			t.Fatal(err)
		}
		clock := s.State().Clock
		return &KnownSession{events.SessionState{SessionID: talk, ChannelID: lobby, AgentID: eliza, UserID: alice, Clock: clock}, events.Revision(clock.RenewalCount)}
	}
	counted := log.Env
	store := &countingStore{Store: log.Env.Store}
	counted.Store = store
	end := func(k *KnownSession) Result {
		t.Helper()
		r := NewRequest()
		r.At = k.Clock.ExpiresAt
		done, err := End(t.Context(), counted, r, Due{events.Deadline{ID: talk, Due: r.At, Command: events.ExpireSession}, k})
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	before := known()
	do(t, log.Env, NewRequest(), UseSession{SessionID: talk})
	late := *before
	late.Clock.ExpiresAt = late.Clock.ExpiresAt.Add(-time.Minute) // before the end that it has since the use
	if done := end(&late); done.Changed {
		t.Errorf("a session that was used meanwhile has ended: %+v", done)
	}
	store.read = 0
	if done := end(known()); !done.Changed || store.read != 0 {
		t.Errorf("%+v, and %d events were read", done, store.read)
	}
	if s, err := Load[Session](t.Context(), log.Env, events.SessionStream(talk)); err != nil || !s.Expired || s.Clock.RenewalCount != 1 {
		t.Errorf("it has not ended: %+v %v", s, err)
	}
}

// countingStore counts the events that are read.
type countingStore struct {
	events.Store
	read int
}

func (c *countingStore) Read(ctx context.Context, s events.StreamID, dir events.Direction) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		for e, err := range c.Store.Read(ctx, s, dir) {
			c.read++
			if !yield(e, err) {
				return
			}
		}
	}
}
