package httpapi_test

import (
	"fmt"
	"sync"
	"testing"

	"annals/events"
	"annals/transport/problem"
)

// named asks for an agent with a name.
func (s *fixture) named(name string, more ...any) answered {
	s.T.Helper()
	character := fields{"name": name, "bio": "another bio"}
	for i := 0; i < len(more); i += 2 {
		character[more[i].(string)] = more[i+1]
	}
	return s.Ask("POST", "/api/agents", fields{"characterJson": character})
}

func TestAnAgentThatExistsIsAnsweredAsItIsStored(t *testing.T) {
	t.Parallel()
	s := serve(t)
	first := s.Ask("POST", "/api/agents", fields{"characterJson": fields{"name": "Iris", "bio": "the first", "settings": fields{"secrets": fields{"K": "v"}}}}).Is(201)
	if first.At("created") != true || first.Text("character.id") != first.Text("id") {
		t.Errorf("the first: %s", first.Body)
	}
	for _, name := range []string{"Iris", " Iris ", "\u200bIris\n"} {
		again := s.named(name).Is(201)
		if again.At("created") != false || again.Text("character.id") != first.Text("id") || again.Text("id") != first.Text("id") || again.Text("character.bio") != "the first" ||
			again.Text("character.settings.secrets.K") != first.Text("character.settings.secrets.K") {
			t.Errorf("%q: %s", name, again.Body)
		}
	}
	if other := s.named("iris").Is(201); other.At("created") != true {
		t.Error("case does not tell names apart")
	}
	if bare := s.named("  Ada\t").Is(201); bare.Text("character.name") != "Ada" || bare.Text("id") != events.StringToUUID("Ada").String() {
		t.Errorf("a name with blanks around it: %s", bare.Body)
	}
	for _, name := range []string{"", " ", "\t\n", "\u00a0", "\ufeff", "\u200b"} {
		s.named(name).Refused(400, problem.CodeCreate)
		s.Ask("PATCH", "/api/agents/"+first.Text("id"), fields{"name": name}).Refused(400, problem.CodeInvalidRequest)
	}
}

func TestTheOldNameOfAnAgentThatWasRenamedMakesAnotherAgent(t *testing.T) {
	t.Parallel()
	s := serve(t)
	old := s.named("Iris").Is(201).Text("id")
	if got := s.Ask("PATCH", "/api/agents/"+old, fields{"name": " Iris II "}).Is(200).Text("name"); got != "Iris II" {
		t.Errorf("it is now %q", got)
	}
	made := s.named("Iris").Is(201)
	if made.At("created") != true || made.Text("id") == old || made.Text("character.name") != "Iris" {
		t.Errorf("a POST of the old name: %s", made.Body)
	}
	if got := s.Ask("GET", "/api/agents/"+made.Text("id"), nil).Is(200).Text("bio"); got != "another bio" {
		t.Errorf("the bio is %q", got)
	}
	if again := s.named("Iris II").Is(201); again.At("created") != false || again.Text("id") != old {
		t.Errorf("a POST of the new name: %s", again.Body)
	}
	s.Ask("PATCH", "/api/agents/"+old, fields{"name": "Iris"}).Refused(409, problem.CodeConflict)
	s.Ask("DELETE", "/api/agents/"+made.Text("id"), nil).Is(204)
	s.Ask("PATCH", "/api/agents/"+old, fields{"name": "Iris"}).Is(200)
}

func TestANameIsGivenToOneOfManyWhoAskForItAtATime(t *testing.T) {
	t.Parallel()
	s := serve(t)
	const n = 4
	var ids [n]string
	for i := range ids {
		ids[i] = s.named(fmt.Sprint("Agent ", i)).Is(201).Text("id")
	}
	var (
		statuses [2 * n]int
		all      sync.WaitGroup
	)
	for i := range ids {
		all.Go(func() { statuses[i] = s.Ask("PATCH", "/api/agents/"+ids[i], fields{"name": "Iris"}).Status })
		all.Go(func() { statuses[n+i] = s.named("Iris").Status })
	}
	all.Wait()
	s.CaughtUp()
	bearers := 0
	for _, agent := range s.Ask("GET", "/api/agents", nil).Is(200).At("agents").([]any) {
		if agent.(map[string]any)["name"] == "Iris" {
			bearers++
		}
	}
	if bearers != 1 {
		t.Errorf("%d agents are called Iris; %v", bearers, statuses)
	}
	for i, status := range statuses {
		if good := 200 + i/n; status != good && status != 409 {
			t.Errorf("request %d: %d", i, status)
		}
	}
}

func TestAnIDOfItsOwnIsHonouredAndMayRepeatAName(t *testing.T) {
	t.Parallel()
	s := serve(t)
	first := s.named("Iris").Is(201).Text("id")
	second := s.named("Iris", "id", unknown).Is(201)
	if second.Text("id") != unknown || second.At("created") != true || first == unknown {
		t.Errorf("%s", second.Body)
	}
	again := s.named("Another", "id", unknown).Is(201)
	if again.At("created") != false || again.Text("character.name") != "Iris" {
		t.Errorf("an id that exists: %s", again.Body)
	}
	if got := s.named("Iris").Is(201); got.Text("id") != first || got.At("created") != false {
		t.Errorf("the name: %s", got.Body)
	}
	third := s.named("Zoe", "id", ann).Is(201).Text("id")
	s.Ask("PATCH", "/api/agents/"+first, fields{"name": "Zoe"}).Refused(409, problem.CodeConflict)
	s.Ask("PATCH", "/api/agents/"+third, fields{"name": "Zoe", "system": "s"}).Is(200)
	s.named("Bad", "id", "zz").Refused(400, problem.CodeCreate)
}
