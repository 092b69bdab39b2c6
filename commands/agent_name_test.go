package commands_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

var (
	elizaNamed  = events.AgentNameTaken{AgentNameID: events.AgentNameID("Eliza"), AgentID: eliza}
	elizaNoMore = events.AgentNameReleased{AgentNameID: events.AgentNameID("Eliza"), AgentID: eliza}
	doctorID    = uuid.MustParse("d0c70400-0000-4000-8000-000000000001")
)

func TestANameIsClaimedOnceAndBlanksAndFormsOfLettersDoNotTellNamesApart(t *testing.T) {
	t.Parallel()
	When(Given(), TakeAgentName{"Eliza", eliza}).Then(t, elizaNamed)
	When(Given(elizaNamed, elizaCreated), TakeAgentName{" Eliza\t", eliza}).Then(t)
	When(Given(elizaNamed, elizaCreated), TakeAgentName{"\u00a0Eliza\ufeff", doctorID}).ThenFails(t, ErrNameTaken, eliza.String())
	if events.AgentNameID("Zoe\u0308") != events.AgentNameID("Zo\u00eb") || events.AgentNameID("eliza") == events.AgentNameID("Eliza") {
		t.Error("names are not compared in NFC, with case")
	}
}

// Histories are an hour old.
func TestAClaimOfAnAgentThatDoesNotBearTheNameIsVoidAfterAMinute(t *testing.T) {
	t.Parallel()
	taken := events.AgentNameTaken{AgentNameID: elizaNamed.AgentNameID, AgentID: doctorID}
	When(Given(elizaNamed), TakeAgentName{"Eliza", doctorID}).Then(t, taken)
	When(Given(elizaNamed, elizaCreated, elizaDeleted), TakeAgentName{"Eliza", doctorID}).Then(t, taken)
	renamed := events.AgentUpdated{AgentID: eliza, Character: events.Character{Name: "Doctor", Bio: doctor.Bio}}
	When(Given(elizaNamed, elizaCreated, renamed), TakeAgentName{"Eliza", doctorID}).Then(t, taken)

	log := Open(t)
	first := NewRequest()
	handled(t, log, first, TakeAgentName{"Eliza", eliza})
	soon := NewRequest()
	soon.At = first.At.Add(time.Minute - time.Millisecond)
	if _, err := Handle(t.Context(), log.Env, soon, TakeAgentName{"Eliza", doctorID}); !errors.Is(err, ErrNameTaken) {
		t.Errorf("within the minute: %v", err)
	}
	handled(t, log, soon, TakeAgentName{"Eliza", eliza}) // which begins the minute anew
	late := NewRequest()
	late.At = soon.At.Add(time.Minute - time.Millisecond)
	if _, err := Handle(t.Context(), log.Env, late, TakeAgentName{"Eliza", doctorID}); !errors.Is(err, ErrNameTaken) {
		t.Errorf("within the second minute: %v", err)
	}
	late.At = soon.At.Add(time.Minute)
	handled(t, log, late, TakeAgentName{"Eliza", doctorID})
}

func TestANameIsReleasedByItsAgentAloneAndNotWhileTheAgentBearsIt(t *testing.T) {
	t.Parallel()
	When(Given(elizaNamed), ReleaseAgentName{"Eliza", eliza}).Then(t, elizaNoMore)
	When(Given(elizaNamed, elizaCreated), ReleaseAgentName{"Eliza", eliza}).Then(t)
	When(Given(elizaNamed), ReleaseAgentName{"Eliza", doctorID}).Then(t)
	When(Given(), ReleaseAgentName{"Eliza", eliza}).Then(t)
	When(Given(elizaNamed, elizaNoMore), TakeAgentName{"Eliza", doctorID}).
		Then(t, events.AgentNameTaken{AgentNameID: elizaNamed.AgentNameID, AgentID: doctorID})
}

func handled[S State[S], A any](t *testing.T, log OpenedLog, r Request, cmd Command[S, A]) {
	t.Helper()
	if _, err := Handle(t.Context(), log.Env, r, cmd); err != nil {
		t.Fatal(err)
	}
}

// The read models know nothing here: what holds, holds by the log.
func TestOfManyRequestsForOneNameAtATimeOneMakesTheAgent(t *testing.T) {
	t.Parallel()
	log := Open(t)
	renameTo(t, log, makeNamed(t, log, "Iris").AgentID, "Iris II") // the id that derives from the name is in use
	const n = 8
	made := make([]NamedAgent, n)
	atOnce(n, func(i int) {
		var err error
		made[i], _, err = CreateNamedAgent(t.Context(), log.Env, NewRequest(), events.Character{Name: "Iris", Bio: doctor.Bio}, uuid.Nil, uuid.New())
		if err != nil {
			t.Error(err)
		}
	})
	created := 0
	for _, m := range made {
		if m.AgentID != made[0].AgentID || m.Agent.Character.Name != "Iris" {
			t.Errorf("one got %s %q, another %s", m.AgentID, m.Agent.Character.Name, made[0].AgentID)
		}
		if m.Created {
			created++
		}
	}
	if created != 1 || made[0].AgentID == events.StringToUUID("Iris") {
		t.Errorf("%d made the agent %s", created, made[0].AgentID)
	}
}

func TestOfManyAgentsThatAreRenamedAtATimeOneGetsTheName(t *testing.T) {
	t.Parallel()
	log := Open(t)
	names := []string{"One", "Two", "Three", "Four"}
	ids := make([]uuid.UUID, len(names))
	for i, name := range names {
		ids[i] = makeNamed(t, log, name).AgentID
	}
	errs := make([]error, len(ids))
	atOnce(len(ids), func(i int) { errs[i] = rename(t, log, ids[i], "Iris", uuid.Nil) })
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner < 0:
			winner = i
		case !errors.Is(err, ErrNameTaken):
			t.Errorf("%s: %v", names[i], err)
		}
	}
	if winner < 0 {
		t.Fatal("no agent has the name")
	}
	// The name that the winner had is free at once, and the names of the others are theirs.
	for i, name := range names {
		switch m := makeNamed(t, log, name); {
		case i == winner && (!m.Created || m.AgentID == ids[i]):
			t.Errorf("%s, which is free: %+v", name, m)
		case i != winner && (m.Created || m.AgentID != ids[i]):
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func TestARequestThatIsRepeatedMakesNoSecondAgentAfterARename(t *testing.T) {
	t.Parallel()
	log := Open(t)
	r := NewRequest()
	r.Body = "hash"
	character := events.Character{Name: "Iris", Bio: doctor.Bio}
	first, _, err := CreateNamedAgent(t.Context(), log.Env, r, character, uuid.Nil, doctorID)
	if err != nil || !first.Created {
		t.Fatal(first, err)
	}
	renameTo(t, log, first.AgentID, "Iris II")
	before := log.Now(t)
	again, _, err := CreateNamedAgent(t.Context(), log.Env, r, character, uuid.Nil, doctorID)
	if err != nil || !again.Created || again.AgentID != first.AgentID || len(log.Since(t, before)) > 0 {
		t.Errorf("%+v, %v, %d facts", again, err, len(log.Since(t, before)))
	}
}

func TestAnAgentWithoutAClaimKeepsItsNameAsFarAsReadModelsKnow(t *testing.T) {
	t.Parallel()
	log := Open(t, elizaCreated)
	other := makeNamed(t, log, "Doctor").AgentID
	if err := rename(t, log, other, "Eliza", eliza); !errors.Is(err, ErrNameTaken) {
		t.Errorf("a rename: %v", err)
	}
	found, _, err := CreateNamedAgent(t.Context(), log.Env, NewRequest(), events.Character{Name: "Eliza", Bio: doctor.Bio}, eliza, uuid.New())
	if err != nil || found.Created || found.AgentID != eliza {
		t.Errorf("%+v, %v", found, err)
	}
	renameTo(t, log, eliza, "Elizabeth")
	if err := rename(t, log, other, "Eliza", eliza); err != nil { // what the read models know is old
		t.Error(err)
	}
}

func makeNamed(t *testing.T, log OpenedLog, name string) NamedAgent {
	t.Helper()
	made, _, err := CreateNamedAgent(t.Context(), log.Env, NewRequest(), events.Character{Name: name, Bio: doctor.Bio}, uuid.Nil, uuid.New())
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func renameTo(t *testing.T, log OpenedLog, id uuid.UUID, name string) {
	t.Helper()
	if err := rename(t, log, id, name, uuid.Nil); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, log OpenedLog, id uuid.UUID, name string, bearer uuid.UUID) error {
	t.Helper()
	u := patch(t, `{"name": "`+name+`"}`)
	u.AgentID = id
	_, err := UpdateNamedAgent(t.Context(), log.Env, NewRequest(), u, func(string) (uuid.UUID, error) { return bearer, nil })
	return err
}

func atOnce(n int, do func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { do(i) })
	}
	all.Wait()
}
