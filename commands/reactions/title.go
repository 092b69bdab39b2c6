package reactions

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
)

const (
	// maxTitle bounds a title, in characters.
	maxTitle = 80
	// titleBudget bounds how long a model may take over one.
	titleBudget = 25 * time.Second
)

const titleSystem = "You name conversations. Read the conversation and answer with a title for it: three to six words that say " +
	"what it is about, in its own language, without quotation marks and without anything besides."

// Titler is a Text that names a conversation in a way of its own. Without it, a model is asked in words.
type Titler interface {
	Title(ctx context.Context, p Prompt) (Completion, error)
}

// Title names conversations. It is asked for by a client, who waits; what the model said is in the log of the agent that it
// was asked for.
type Title struct {
	Env    commands.Env
	Models Models
	Now    func() time.Time
}

// Of gives a title for what was said, the oldest first, empty when the model has none. A request that comes again gets what
// it got.
func (t Title) Of(ctx context.Context, request commands.Request, agentID, channel uuid.UUID, said []Said) (string, commands.Result, error) {
	agent, err := t.Env.States.Agent(ctx, agentID)
	if err != nil {
		return "", commands.Result{}, err
	}
	entry := events.Derive(request.ID, "title")
	earlier, err := commands.Load[commands.LogEntry](ctx, t.Env, events.AgentLogStream(entry))
	if err != nil {
		return "", commands.Result{}, err
	}
	var call modelCall
	if earlier.Recorded && json.Unmarshal(earlier.Body, &call) == nil && call.Error == "" {
		return titled(call.Response), commands.Result{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, titleBudget)
	defer cancel()
	began := t.Now()
	person := lastPerson(said, agentID)
	request.Repeats = repeated(said, person, 0)
	p := conversationOf(agent.Character.Name, agentID, person, said)
	text := t.Models.Text(agent.Character)
	answer, failed := ask(ctx, text, p)
	call = newCall(text, textSmall, p, began, t.Now(), answer, failed)
	call.RunID, call.ChannelID = request.ID, channel
	body, err := json.Marshal(call)
	if err != nil {
		return "", commands.Result{}, err
	}
	result, err := commands.Handle(context.WithoutCancel(ctx), t.Env, request, commands.RecordLog{LogRecorded: events.LogRecorded{
		LogID: entry, AgentID: agentID, RoomID: agentID, EntityID: agentID, SubjectID: person,
		Type: events.LogModelCall + textSmall, Body: body, Reasoning: call.reasoning,
	}})
	if failed != nil {
		return "", result, modelFailure{failed}
	}
	return titled(answer.Text), result, err
}

func ask(ctx context.Context, text Text, p Prompt) (Completion, error) {
	if titler, ok := text.(Titler); ok {
		return titler.Title(ctx, p)
	}
	var quoted strings.Builder
	for _, turn := range p.Turns {
		fmt.Fprintf(&quoted, "%s: %s\n", turn.Name, turn.Text)
	}
	return text.Generate(ctx, Prompt{Agent: p.Agent, System: titleSystem, Turns: []Turn{{Name: "User", Text: quoted.String() + "\nWhat is a title for this conversation?"}}})
}

func conversationOf(agent string, agentID, person uuid.UUID, said []Said) Prompt {
	p := Prompt{Agent: agent}
	for _, s := range within(said, contextTokens) {
		p.Turns = append(p.Turns, contribution(s, agentID, person))
	}
	return p
}

// lastPerson is the person whose words a conversation has last, and the agent where there is none.
func lastPerson(said []Said, agentID uuid.UUID) uuid.UUID {
	for _, s := range slices.Backward(said) {
		if s.SubjectID != uuid.Nil && s.SubjectID != agentID {
			return s.SubjectID
		}
	}
	return agentID
}

// titled is what a model said as one short line without quotation marks around it.
func titled(text string) string {
	text = strings.Join(strings.Fields(loggable(text, maxLogged)), " ")
	text = strings.TrimSpace(strings.Trim(text, `"'“”„‘’«»`+"`"))
	if runes := []rune(text); len(runes) > maxTitle {
		text = strings.TrimSpace(string(runes[:maxTitle-1])) + "…"
	}
	return text
}
