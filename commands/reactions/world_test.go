package reactions_test

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"annals/commands"
	"annals/commands/reactions"
	"annals/events"
	"annals/events/esdb"
	"annals/events/esdb/esdbtest"
)

// patience bounds everything in these tests that waits.
const patience = time.Minute

// ada is a person.
var ada = uuid.MustParse("ada00000-0000-4000-8000-000000000000")

// world is a log in which people and agents speak.
type world struct {
	t      testing.TB
	log    *esdbtest.Log
	env    commands.Env
	aborts *reactions.Aborts // what the feed of a server tells of what is recorded
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, log: esdbtest.New(t), aborts: reactions.NewAborts()}
	w.env = commands.Env{Store: w.log.Store, States: commands.NewStates(w.log.Store)}
	handle(w, commands.OpenLog{LogID: uuid.New()})
	handle(w, commands.DefaultServer())
	return w
}

// observe lets what is recorded reach the turns that run, as the feed of a server does.
func (w *world) observe() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e, err := range w.log.Subscribe(ctx, 0, events.Filter{}) {
			if err == nil {
				w.aborts.Observe(e)
			}
		}
	}()
	w.t.Cleanup(func() { cancel(); <-done })
}

// abort aborts the agent's answer to a message.
func (w *world) abort(message, channel, agent uuid.UUID) {
	w.t.Helper()
	handle(w, commands.AbortTurn{ChannelID: channel, ServerID: events.DefaultServer, AgentID: agent, MessageID: message})
}

// handle runs a command as the server itself.
func handle[S commands.State[S], A any](w *world, cmd commands.Command[S, A]) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r := commands.Request{ID: uuid.New(), At: time.Now().UTC(), Actor: "anonymous", Correlation: uuid.New()}
	_, err := commands.Handle(ctx, w.env, r, cmd)
	must(w.t, err)
}

// agent creates an agent and starts it.
func (w *world) agent(name string) uuid.UUID {
	w.t.Helper()
	id := uuid.New()
	handle(w, commands.CreateAgent{AgentID: id, Character: events.Character{Name: name}})
	handle(w, commands.StartAgent{AgentID: id})
	return id
}

func (w *world) channel(kind string, participants ...uuid.UUID) uuid.UUID {
	w.t.Helper()
	id := uuid.New()
	handle(w, commands.CreateChannel{
		ChannelID: id, ServerID: events.DefaultServer, Name: "a place", Type: kind, Participants: participants,
	})
	return id
}

// say submits what a person says, perhaps in reply to a message, and gives its id.
func (w *world) say(channel uuid.UUID, text string, inReplyTo ...uuid.UUID) uuid.UUID {
	w.t.Helper()
	return w.sayAs(ada, channel, text, inReplyTo...)
}

func (w *world) sayAs(author, channel uuid.UUID, text string, inReplyTo ...uuid.UUID) uuid.UUID {
	w.t.Helper()
	m := commands.SubmitMessage{
		MessageID: uuid.New(), ChannelID: channel, ServerID: events.DefaultServer,
		AuthorID: author, AuthorName: "Ada", Content: text,
	}
	if len(inReplyTo) > 0 {
		m.InReplyTo = inReplyTo[0]
	}
	handle(w, m)
	return m.MessageID
}

// await waits until a fact that fits is in the log.
func (w *world) await(what string, fits func(events.Recorded) bool) events.Recorded {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for e, err := range w.log.Subscribe(ctx, 0, events.Filter{}) {
		if err == nil && fits(e) {
			return e
		}
	}
	w.t.Fatalf("not in time: %s", what)
	return events.Recorded{}
}

// turn waits until the agent is done with the message.
func (w *world) turn(message, agent uuid.UUID) events.TurnCompleted {
	w.t.Helper()
	stream := events.TurnStream(events.TurnID(message, agent))
	e := w.await("the end of the turn of "+agent.String(), func(e events.Recorded) bool {
		_, ends := e.Event.(events.TurnCompleted)
		return ends && e.Stream == stream
	})
	return e.Event.(events.TurnCompleted)
}

// facts are all of one type that are in the log now.
func facts[E events.Event](w *world) []E {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var found []E
	for e, err := range w.log.ReadAll(ctx, 0, events.Forwards, events.Filter{}) {
		must(w.t, err)
		if fact, ok := e.Event.(E); ok {
			found = append(found, fact)
		}
	}
	return found
}

// replies are the answers to a message.
func (w *world) replies(message uuid.UUID) []events.MessageSubmitted {
	w.t.Helper()
	return slices.DeleteFunc(facts[events.MessageSubmitted](w), func(m events.MessageSubmitted) bool {
		return m.InReplyTo != message || !m.ByAgent
	})
}

// turns are the ends of turns that a message has brought about.
func (w *world) turns(message uuid.UUID) []events.TurnCompleted {
	w.t.Helper()
	return slices.DeleteFunc(facts[events.TurnCompleted](w), func(t events.TurnCompleted) bool { return t.MessageID != message })
}

// answeredOnce fails the test unless each of the agents has replied to the message once, and is done with it once.
func (w *world) answeredOnce(message uuid.UUID, agents ...uuid.UUID) {
	w.t.Helper()
	replies, turns := w.replies(message), w.turns(message)
	for _, agent := range agents {
		id := events.ReplyID(message, agent)
		if !slices.ContainsFunc(replies, func(m events.MessageSubmitted) bool { return m.AuthorID == agent && m.MessageID == id }) {
			w.t.Errorf("agent %s has not replied: %+v", agent, replies)
		}
		if !slices.ContainsFunc(turns, func(c events.TurnCompleted) bool {
			return c.AgentID == agent && c.Outcome == events.TurnReplied && c.ReplyID == id
		}) {
			w.t.Errorf("the turn of agent %s is not done: %+v", agent, turns)
		}
	}
	if len(replies) != len(agents) || len(turns) != len(agents) {
		w.t.Errorf("%d replies and %d ends of turns for %d agents", len(replies), len(turns), len(agents))
	}
}

// life is one life of the reactions on a world's log. When it dies, nothing that it does reaches the log any more.
type life struct {
	ctx    context.Context
	die    context.CancelFunc
	ended  chan struct{}
	parked chan string // the reasons
	logged *record
}

// options of a life, each optional.
type options struct {
	history    reactions.History
	store      func(events.Store, *life) events.Store
	budget     time.Duration
	firstRetry time.Duration
	fact       func(*message.Message) (events.Recorded, error)
	stream     func(events.Chunk)
	recall     reactions.Recall
	repeats    reactions.Repeats
	readable   func(events.Position) // called when the delivery of an event begins
	unreadable []string              // files that characters name
}

// live starts the reactions; they end with the test, if not before.
func (w *world) live(text reactions.Text, change ...func(*options, *life)) *life {
	w.t.Helper()
	l := &life{ended: make(chan struct{}), parked: make(chan string, 100), logged: &record{}}
	l.ctx, l.die = context.WithCancel(context.Background())
	o := options{history: history{w.log.Store}, firstRetry: time.Millisecond, fact: esdb.Delivery}
	for _, f := range change {
		f(&o, l)
	}
	store := events.Store(mortal{w.log.Store, l})
	if o.store != nil {
		store = o.store(store, l)
	}
	logger := slog.New(slog.NewTextHandler(l.logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	declared := declaration("reply", o)
	d := reactions.Deliveries{
		Subscriber: esdb.NewSubscriber(w.log.Store, esdb.SubscriberOptions{
			Group: declared.Name, Types: declared.Types, Concurrency: declared.AtOnce(reactions.Ports{}), Partition: declared.Partition,
			MessageTimeout: time.Hour, Logger: logger,
		}),
		Fact:       o.fact,
		Park:       func(m *message.Message, why string) { esdb.Park(m, why); l.parked <- why },
		FirstRetry: o.firstRetry,
	}
	r := declared.Make(reactions.Ports{
		Env: commands.Env{Store: store, States: w.env.States}, Models: everybody{text}, History: o.history,
		Now: func() time.Time { return time.Now().UTC() }, Aborts: w.aborts, Stream: o.stream, Recall: o.recall,
	})
	go func() {
		defer close(l.ended)
		if err := reactions.Run(l.ctx, d, declared, r, logger); err != nil {
			w.t.Error(err)
		}
	}()
	w.t.Cleanup(func() { l.die(); l.wait(w.t) })
	return l
}

// declaration is that of a reaction of this build, with the options of a life.
func declaration(name string, o options) reactions.Declaration {
	all := reactions.All()
	d := all[slices.IndexFunc(all, func(d reactions.Declaration) bool { return d.Name == name })]
	d.Budget = cmp.Or(o.budget, d.Budget)
	return d
}

// wait returns once nothing of this life is left.
func (l *life) wait(t testing.TB) {
	t.Helper()
	select {
	case <-l.ended:
	case <-time.After(patience):
		t.Fatal("the reactions did not end")
	}
}

// mortal is a store that the dead do not reach.
type mortal struct {
	events.Store
	life *life
}

func (m mortal) Append(ctx context.Context, s events.StreamID, expect events.Revision, facts ...events.Proposed) (events.Position, error) {
	if err := m.life.ctx.Err(); err != nil {
		return 0, err
	}
	return m.Store.Append(ctx, s, expect, facts...)
}

// history reads conversations from the log.
type history struct{ store events.Store }

func (h history) Conversation(ctx context.Context, channel uuid.UUID, upTo events.Position, n int) ([]reactions.Said, error) {
	var said []reactions.Said
	for e, err := range h.store.ReadAll(ctx, 0, events.Forwards, events.Filter{Types: []string{events.MessageSubmitted{}.EventType()}}) {
		if err != nil {
			return nil, err
		}
		if m := e.Event.(events.MessageSubmitted); m.ChannelID == channel && e.Position <= upTo {
			said = append(said, reactions.Said{
				AuthorID: m.AuthorID, AuthorName: m.AuthorName, Content: m.Content, SubjectID: m.Subject(), Position: e.Position,
			})
		}
	}
	return said[max(0, len(said)-n):], nil
}

func (h history) Readable(ctx context.Context, _ events.Position) error { return ctx.Err() }

// model answers as the test says, and remembers what it was asked.
type model struct {
	answer func(context.Context, reactions.Prompt) (reactions.Completion, error)
	speak  func(context.Context, reactions.Listener) // before it has answered

	mu    sync.Mutex
	asked []reactions.Prompt
}

func (m *model) Generate(ctx context.Context, p reactions.Prompt) (reactions.Completion, error) {
	m.mu.Lock()
	m.asked = append(m.asked, p)
	m.mu.Unlock()
	return m.answer(ctx, p)
}

func (m *model) Stream(ctx context.Context, p reactions.Prompt, l reactions.Listener) (reactions.Completion, error) {
	if m.speak != nil {
		m.speak(ctx, l)
	}
	if err := ctx.Err(); err != nil {
		return reactions.Completion{}, err
	}
	return m.Generate(ctx, p)
}

func (m *model) prompts() []reactions.Prompt {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.asked)
}

// saying is a model that always says the same.
func saying(text string) *model {
	return &model{answer: func(context.Context, reactions.Prompt) (reactions.Completion, error) {
		return reactions.Completion{Text: text, Model: "fake", PromptTokens: 7, CompletionTokens: 3, Duration: 5 * time.Millisecond}, nil
	}}
}

// record keeps what was logged.
type record struct {
	mu   sync.Mutex
	text []byte
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text = append(r.text, p...)
	return len(p), nil
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.text)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// everybody speaks with the same model.
type everybody struct{ text reactions.Text }

func (e everybody) Text(events.Character) reactions.Text { return e.text }
