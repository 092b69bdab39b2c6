package commands_test

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

// story is a random history of commands on two nodes, beside what it is expected to have led to.
type story struct {
	*model
	things
	log   OpenedLog
	nodes []Env
	began events.Position // the newest fact before the story
	head  events.Position // the newest fact that was observed
	t     *rapid.T
	outer *testing.T
}

// try handles a command on either node, after Try told what it would lead to. It is to fail with want or, if that is nil, to
// change something or not. Whatever it does, the same request adds nothing when it comes again, and neither does the same wish: but for clearing a channel,
// since there may be new messages.
func try[S State[S], A any](s *story, want error, changes bool, cmd Command[S, A]) bool {
	r := NewRequest()
	tried, triedErr := Try(s.outer.Context(), s.either(), r, cmd)
	if added := s.observe(); len(added) > 0 {
		s.t.Fatalf("trying %#v adds %d facts", cmd, len(added))
	}
	result, err := Handle(s.outer.Context(), s.either(), r, cmd)
	added := s.observe()
	if !errors.Is(err, want) || result.Changed != changes || changes != (len(added) > 0) {
		s.t.Fatalf("%#v leads to %d facts, %+v, %v; expected is a change: %v, %v", cmd, len(added), result, err, changes, want)
	}
	if tried.Changed != changes || !errors.Is(triedErr, want) || len(tried.Facts) != len(added) {
		s.t.Fatalf("%#v leads to %+v, but Try said %+v, %v", cmd, added, tried, triedErr)
	}
	for i, e := range added {
		if Show(e.Event) != Show(tried.Facts[i]) {
			s.t.Fatalf("%#v leads to\n%s\nbut Try said\n%s", cmd, Show(e.Event), Show(tried.Facts[i]))
		}
	}
	repeated, repeatedErr := Handle(s.outer.Context(), s.either(), r, cmd)
	if !errors.Is(repeatedErr, want) || repeated != result {
		s.t.Fatalf("the request for %#v leads to %+v, %v, and when it comes again to %+v, %v", cmd, result, err, repeated, repeatedErr)
	}
	if _, clears := any(cmd).(ClearChannel); !clears {
		wished, wishedErr := Handle(s.outer.Context(), s.either(), NewRequest(), cmd)
		if wished.Changed {
			s.t.Fatalf("%#v leads to %+v, %v, and when it is wished again to %+v, %v", cmd, result, err, wished, wishedErr)
		}
	}
	if added := s.observe(); len(added) > 0 {
		s.t.Fatalf("%#v adds %d facts when it is repeated", cmd, len(added))
	}
	return changes
}

func (s *story) either() Env { return rapid.SampledFrom(s.nodes).Draw(s.t, "node") }

// observe is the feed of both nodes, and gives what is new.
func (s *story) observe() []events.Recorded {
	added := s.log.Since(s.outer, s.head)
	for _, e := range added {
		s.head = e.Position
		for _, b := range s.nodes {
			b.States.Observe(e)
		}
	}
	return added
}

func (s *story) one(of []uuid.UUID, what string) uuid.UUID {
	return rapid.SampledFrom(of).Draw(s.t, what)
}
func (s *story) agent() uuid.UUID   { return s.one(s.things.agents, "agent") }
func (s *story) channel() uuid.UUID { return s.one(s.things.channels, "channel") }
func (s *story) message() uuid.UUID { return s.one(s.things.messages, "message") }
func (s *story) anybody() uuid.UUID {
	return s.one(slices.Concat(s.things.agents, s.people), "participant")
}
func (s *story) text() string { return rapid.SampledFrom([]string{"one", "two"}).Draw(s.t, "text") }

func missing(there bool) error {
	if there {
		return nil
	}
	return ErrNotFound
}

func (s *story) createAgent() {
	id := s.agent()
	if try(s, nil, s.model.agents[id] == nil, CreateAgent{AgentID: id, Character: doctor}) {
		s.model.agents[id] = &modelAgent{}
	}
}

func (s *story) startAgent() {
	id := s.agent()
	a := s.model.agents[id]
	if try(s, missing(a != nil), a != nil && !a.running, StartAgent{AgentID: id}) {
		a.running = true
	}
}

func (s *story) stopAgent() {
	id := s.agent()
	a := s.model.agents[id]
	// A repetition of the request tells of the first time, a new wish that it does not run.
	if try(s, missing(a != nil && a.running), a != nil && a.running, StopAgent{AgentID: id}) {
		a.running = false
	}
}

func (s *story) updateAgent() {
	id, text := s.agent(), s.text()
	a := s.model.agents[id]
	update := UpdateAgent{AgentID: id, Patch: map[string]json.RawMessage{"system": json.RawMessage(`"` + text + `"`)}}
	if try(s, missing(a != nil), a != nil && a.system != text, update) {
		a.system = text
	}
}

func (s *story) deleteAgent() {
	id := s.agent()
	if try(s, missing(s.model.agents[id] != nil), s.model.agents[id] != nil, DeleteAgent{AgentID: id}) {
		delete(s.model.agents, id)
	}
}

func (s *story) createChannel() {
	id, text, first := s.channel(), s.text(), s.anybody()
	create := CreateChannel{ChannelID: id, Name: text, Participants: []uuid.UUID{first}}
	if try(s, nil, s.model.channels[id] == nil, create) {
		s.model.channels[id] = &modelChannel{name: text, participants: create.Participants}
	}
}

func (s *story) updateChannel() {
	id, text := s.channel(), s.text()
	ch := s.model.channels[id]
	if try(s, missing(ch != nil), ch != nil && ch.name != text, UpdateChannel{ChannelID: id, Name: &text}) {
		ch.name = text
	}
}

func (s *story) join() {
	id, who := s.channel(), s.anybody()
	ch := s.model.channels[id]
	if try(s, missing(ch != nil), ch != nil && !slices.Contains(ch.participants, who), JoinChannel{ChannelID: id, ParticipantID: who}) {
		ch.participants = append(ch.participants, who)
	}
}

func (s *story) leave() {
	id, who := s.channel(), s.anybody()
	ch := s.model.channels[id]
	there := ch != nil && slices.Contains(ch.participants, who)
	if try(s, missing(there), there, LeaveChannel{ChannelID: id, ParticipantID: who}) {
		ch.participants = slices.DeleteFunc(slices.Clone(ch.participants), func(p uuid.UUID) bool { return p == who })
	}
}

func (s *story) clearChannel() {
	id := s.channel()
	there := s.model.channels[id] != nil
	if try(s, missing(there), there, ClearChannel{ChannelID: id}) {
		s.forget(id)
	}
}

func (s *story) deleteChannel() {
	id := s.channel()
	if try(s, nil, s.model.channels[id] != nil, DeleteChannel{ChannelID: id}) {
		delete(s.model.channels, id)
		s.forget(id)
	}
}

func (s *story) submit() {
	id, in, author, text := s.message(), s.channel(), s.anybody(), s.text()
	there, want := s.model.messages[id], missing(s.model.channels[in] != nil)
	if want == nil && there != nil && there.channel != in {
		want = ErrRefused
	}
	say := SubmitMessage{MessageID: id, ChannelID: in, AuthorID: author, Content: text}
	if try(s, want, want == nil && there == nil, say) {
		s.model.messages[id] = &modelMessage{channel: in, content: text}
		said, err := Load[Message](s.outer.Context(), s.log.Env, say.Stream())
		if expected := s.audience(in, author); err != nil || !slices.Equal(said.Audience, expected) {
			s.t.Fatalf("the audience is %v, not %v: %v", said.Audience, expected, err)
		}
	}
}

func (s *story) edit() {
	id, text := s.message(), s.text()
	m := s.model.messages[id]
	if try(s, missing(m != nil), m != nil && m.content != text, EditMessage{MessageID: id, Content: &text}) {
		m.content = text
	}
}

func (s *story) deleteMessage() {
	id := s.message()
	if try(s, nil, s.model.messages[id] != nil, DeleteMessage{MessageID: id}) {
		delete(s.model.messages, id)
	}
}

// folds expects that the story's part of the log, folded in the log's order, is what the commands said.
func (s *story) folds() {
	agents, channels, messages := map[uuid.UUID]Agent{}, map[uuid.UUID]Channel{}, map[uuid.UUID]Message{}
	for _, e := range s.log.Since(s.outer, s.began) {
		switch id := e.Stream.Subject(); e.Stream.Category() {
		case "agent":
			agents[id] = agents[id].Apply(e)
		case "channel":
			channels[id] = channels[id].Apply(e)
		case "message":
			messages[id] = messages[id].Apply(e)
		}
	}
	for _, id := range s.things.agents {
		got, want := agents[id], s.model.agents[id]
		if got.Exists != (want != nil) || want != nil && (got.Running != want.running || got.Character.System != want.system) {
			s.t.Errorf("agent %s is %+v, not %+v", id, got, want)
		}
	}
	for _, id := range s.things.channels {
		got, want := channels[id], s.model.channels[id]
		if got.Exists != (want != nil) || want != nil && (got.Name != want.name || !slices.Equal(got.Participants, want.participants)) {
			s.t.Errorf("channel %s is %+v, not %+v", id, got, want)
		}
	}
	for _, id := range s.things.messages {
		got, want := messages[id], s.model.messages[id]
		there, err := s.log.Env.States.MessageNow(s.outer.Context(), id)
		if err != nil || there.Exists != (want != nil) || want != nil && (got.Content != want.content || got.ChannelID != want.channel) {
			s.t.Errorf("message %s is %+v, not %+v", id, got, want)
		}
	}
}

func TestAnyHistoryOfCommandsFoldsToWhatTheySaid(t *testing.T) {
	t.Parallel()
	log := Open(t, homeCreated)
	nodes := []Env{log.Env, {Store: log.Store, States: NewStates(log.Store)}}
	stories, most := 0, 30
	if os.Getenv("ANNALS_SOAK") != "" {
		most = 1000
	}
	rapid.Check(t, func(rt *rapid.T) {
		if stories++; stories > most {
			return // each story costs a second on a busy machine
		}
		began := log.Now(t)
		s := &story{model: newModel(), things: newThings(), log: log, nodes: nodes, began: began, head: began, t: rt, outer: t}
		act := func(f func()) func(*rapid.T) { return func(*rapid.T) { f() } }
		rt.Repeat(map[string]func(*rapid.T){
			"create agent": act(s.createAgent), "start agent": act(s.startAgent), "stop agent": act(s.stopAgent),
			"update agent": act(s.updateAgent), "delete agent": act(s.deleteAgent),
			"create channel": act(s.createChannel), "update channel": act(s.updateChannel), "clear channel": act(s.clearChannel),
			"delete channel": act(s.deleteChannel), "join": act(s.join), "leave": act(s.leave),
			"submit": act(s.submit), "submit again": act(s.submit), "edit": act(s.edit), "delete message": act(s.deleteMessage),
		})
		s.folds()
	})
}
