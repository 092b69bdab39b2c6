package reactions_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/commands/reactions"
)

func title(w *world, text reactions.Text) (agent uuid.UUID, of func(commands.Request) (string, error)) {
	iris := w.agent("Iris")
	t := reactions.Title{Env: w.env, Models: everybody{text}, Now: time.Now}
	return iris, func(r commands.Request) (string, error) {
		said, _, err := t.Of(context.Background(), r, iris, uuid.New(), []reactions.Said{
			{AuthorID: ada, AuthorName: "Ada", Content: "Roses?", SubjectID: ada}, {AuthorID: iris, AuthorName: "Iris", Content: "Roses.", SubjectID: ada},
		})
		return said, err
	}
}

func request() commands.Request {
	return commands.Request{ID: uuid.New(), At: time.Now().UTC(), Actor: "anonymous"}
}

func TestATitleIsAShortLineAndInTheAgentsLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text := saying("\n \"All about\n roses\" ")
	iris, of := title(w, text)
	r := request()
	for range 2 {
		got, err := of(r)
		must(t, err)
		if got != "All about roses" {
			t.Errorf("the title is %q", got)
		}
	}
	if n := len(text.prompts()); n != 1 {
		t.Errorf("for a request that came twice the model was asked %d times", n)
	}
	if prompt := text.prompts()[0].Turns[0].Text; !strings.Contains(prompt, "Ada: Roses?\nIris: Roses.") {
		t.Errorf("the model was shown %q", prompt)
	}
	all, bodies := w.calls()
	if len(all) != 1 || all[0].AgentID != iris || all[0].Type != "useModel:TEXT_SMALL" || !strings.Contains(bodies[0]["response"].(string), "roses") {
		t.Errorf("entries: %+v", all)
	}
}

func TestALongTitleIsCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, of := title(w, saying(strings.Repeat("я", 500)))
	got, err := of(request())
	if must(t, err); len([]rune(got)) != 80 || !strings.HasSuffix(got, "…") {
		t.Errorf("the title is %q", got)
	}
}

func TestATitleThatAModelFailsAtIsAnErrorAndInTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	away := errors.New("it is away")
	_, of := title(w, &model{answer: func(context.Context, reactions.Prompt) (reactions.Completion, error) {
		return reactions.Completion{}, away
	}})
	if _, err := of(request()); !errors.Is(err, away) {
		t.Errorf("the error is %v", err)
	}
	if all, bodies := w.calls(); len(all) != 1 || bodies[0]["error"] != "it is away" {
		t.Errorf("entries: %+v", all)
	}
}
