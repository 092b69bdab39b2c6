package live

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/events"
)

func TestEachPartOfAFilterLetsThroughWhatFitsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, other, channel, person := uuid.New(), uuid.New(), uuid.New(), uuid.New()
	facts := map[string]events.Event{
		"created": events.AgentCreated{AgentID: agent, Character: events.Character{Name: "Iris"}},
		"started": events.AgentStarted{AgentID: other},
		"channel": events.ChannelCreated{ChannelID: channel, Type: "GROUP", Participants: []uuid.UUID{person, agent}},
		"message": events.MessageSubmitted{MessageID: uuid.New(), ChannelID: channel, AuthorID: person, Audience: []uuid.UUID{other}},
		"foreign": message(uuid.New(), "elsewhere"),
		"turn":    events.TurnCompleted{TurnID: uuid.New(), ChannelID: channel, AgentID: agent, Outcome: events.TurnReplied},
	}
	order := []string{"created", "started", "channel", "message", "foreign", "turn"}
	stream := string(streamOf(facts["started"]))
	cases := []struct{ filter, want string }{
		{`{}`, "created started channel message foreign turn"},
		{`{"channels":["` + channel.String() + `"]}`, "channel message turn"},
		{`{"agents":["` + agent.String() + `"]}`, "created channel turn"},
		{`{"agents":["` + other.String() + `"]}`, "started message"},
		{`{"types":["MessageSubmitted","TurnCompleted"]}`, "message foreign turn"},
		{`{"streams":["agent-"]}`, "created started"},
		{`{"streams":["` + stream + `","turn-"]}`, "started turn"},
		{`{"streams":["agent"]}`, ""}, // neither a category nor a name
		{`{"channels":["` + channel.String() + `"],"types":["MessageSubmitted"]}`, "message"},
		{`{"channels":["` + channel.String() + `"],"agents":["` + other.String() + `"],"streams":["message-"],"types":["MessageSubmitted"]}`, "message"},
		{`{"channels":["` + channel.String() + `"],"streams":["agent-"]}`, ""},
	}
	watching := make([]*client, len(cases))
	for i, c := range cases {
		watching[i], _ = w.watch(`{"subscribe":` + c.filter + `}`)
	}
	at := map[string]string{}
	for _, name := range order {
		at[name] = w.token(w.record(facts[name]))
	}
	end := w.token(w.record(events.LogOpened{LogID: w.id})) // for nobody but the first
	w.publish()
	for i, c := range cases {
		var want []string
		for _, name := range strings.Fields(c.want) {
			want = append(want, at[name])
		}
		if i == 0 {
			want = append(want, end)
		}
		if len(want) > 0 {
			if h := watching[i].next(); !slices.Equal(positions(h), want) || h.Position != end {
				t.Errorf("%s: live came %s", c.filter, h.raw)
			}
		}
		// The same is said to who comes later, and nothing to who has nothing to hear.
		_, replayed := w.watch(`{"subscribe":` + c.filter + `,"after":"` + w.token(0) + `"}`)
		if got := positions(replayed...); !slices.Equal(got, want) || replayed[len(replayed)-1].CaughtUp != end {
			t.Errorf("%s: replayed were %v, not %v, up to %v", c.filter, got, want, replayed[len(replayed)-1])
		}
	}
}

func TestAFactSaysWhatHappenedWhenAndWhoCausedIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, _ := w.watch(`{"subscribe":{}}`)
	m := message(uuid.New(), `quoted "words" & <tags>`)
	p := w.token(w.push(m))
	h := c.next()
	e := h.Events[0]
	if h.ID != "" || h.Position != p || e.Position != p || e.Type != "MessageSubmitted" || e.Stream != string(streamOf(m)) ||
		time.Since(e.At) > patience || !strings.Contains(string(e.Data), m.ChannelID.String()) {
		t.Errorf("heard %s", h.raw)
	}
}

func TestAFactNamesItselfAndWhatItBelongsToAsTheLogHasThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, _ := w.watch(`{"subscribe":{}}`)
	m := message(uuid.New(), "one")
	w.push(m)
	var in events.Recorded
	for e, err := range w.log.Read(t.Context(), streamOf(m), events.Forwards) {
		must(t, err)
		in = e
	}
	_, replayed := w.watch(`{"subscribe":{"types":["MessageSubmitted"]},"after":"` + w.token(0) + `"}`)
	for _, h := range []heard{c.next(), replayed[0]} {
		e := h.Events[0]
		if e.ID != in.ID || e.Revision == nil || *e.Revision != in.Revision || !e.RecordedAt.Equal(in.Created) ||
			e.Correlation != in.Meta.Correlation || e.Causation != in.Meta.Causation || e.Actor != in.Meta.Actor {
			t.Errorf("heard %s of %+v", h.raw, in)
		}
	}
	for filter, fits := range map[string]bool{
		`{"actors":["` + in.Meta.Actor + `","key:other"]}`: true, `{"actors":["key:other"]}`: false,
		`{"correlation":"` + in.Meta.Correlation.String() + `"}`:                              true,
		`{"correlation":["` + uuid.NewString() + `","` + in.Meta.Correlation.String() + `"]}`: true,
		`{"correlation":["` + uuid.NewString() + `"]}`:                                        false,
		`{"actors":["key:other"],"correlation":["` + in.Meta.Correlation.String() + `"]}`:     false,
	} {
		_, replayed := w.watch(`{"subscribe":` + filter + `,"after":"` + w.token(0) + `"}`)
		if got := len(positions(replayed...)) > 0; got != fits {
			t.Errorf("%s: heard something: %t", filter, got)
		}
	}
	w.dial().send("\ufeff" + `{"subscribe":{}}`)
}

// secrets never leave, neither live nor replayed.
func TestSecretsAreNotPushed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, _ := w.watch(`{"subscribe":{}}`)
	secrets := map[string]events.Secret{"KEY": events.NewSecret([]byte(`"hidden-value"`))}
	fact := events.AgentCreated{AgentID: uuid.New(), Character: events.Character{Name: "Iris", Secrets: secrets}}
	w.push(fact)
	_, replayed := w.watch(`{"subscribe":{},"after":"` + w.token(0) + `"}`)
	for _, h := range []heard{c.next(), replayed[0]} {
		if strings.Contains(h.raw, "hidden-value") || strings.Contains(h.raw, "KEY") || !strings.Contains(h.raw, "Iris") {
			t.Errorf("heard %s", h.raw)
		}
	}
	if len(fact.Character.Secrets) != 1 {
		t.Error("the fact itself has lost its secrets")
	}
}

func TestSeveralSubscriptionsOfAConnectionAreToldApartByTheirIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	here, there := uuid.New(), uuid.New()
	first := w.token(w.push(message(here, "one")))
	c := w.dial()
	c.send(`{"id":"here","subscribe":{"channels":["` + here.String() + `"]},"after":"` + w.token(0) + `"}`)
	if got := c.catchUp(); len(got) != 2 || got[0].ID != "here" || got[1].ID != "here" || !slices.Equal(positions(got[0]), []string{first}) {
		t.Fatalf("replayed %+v", got)
	}
	c.send(`{"id":"there","subscribe":{"channels":["` + there.String() + `"]}}`)
	c.catchUp()
	c.send(`{"subscribe":{"types":["AgentStarted"]}}`)
	c.catchUp()

	second := w.token(w.push(message(there, "two")))
	if h := c.next(); h.ID != "there" || !slices.Equal(positions(h), []string{second}) {
		t.Errorf("heard %s", h.raw)
	}
	c.send(`{"id":"there","unsubscribe":true}`)
	if h := c.next(); h.ID != "there" || !h.Unsubscribed {
		t.Errorf("heard %s", h.raw)
	}
	w.push(message(there, "three"))
	fourth := w.token(w.push(message(here, "four")))
	if h := c.next(); h.ID != "here" || !slices.Equal(positions(h), []string{fourth}) {
		t.Errorf("heard %s", h.raw)
	}
	// The same id again replaces.
	c.send(`{"id":"here","subscribe":{"types":["AgentStopped"]}}`)
	c.catchUp()
	w.push(message(here, "five"))
	w.push(events.AgentStarted{AgentID: uuid.New()})
	if h := c.next(); h.ID != "" || len(h.Events) != 1 || h.Events[0].Type != "AgentStarted" {
		t.Errorf("heard %s", h.raw)
	}
}

func TestAPositionOfAnotherLogOrBeyondTheHeadMakesTheClientBeginAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	head := w.push(message(uuid.New(), "one"))
	c := w.dial()
	for _, after := range []string{events.Token{Log: uuid.New(), Position: 1}.String(), w.token(head + 1)} {
		c.send(`{"id":"a","subscribe":{},"after":"` + after + `"}`)
		if h := c.next(); h.Reset != w.token(head) || h.ID != "a" {
			t.Errorf("after %s: %s", after, h.raw)
		}
	}
	c.send(`{"subscribe":{},"after":"` + w.token(head) + `"}`)
	if got := c.catchUp(); len(got) != 1 || got[0].CaughtUp != w.token(head) {
		t.Errorf("heard %+v", got)
	}
}

func TestWhatIsNotUnderstoodIsRefusedAndTheConnectionLives(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.Subscriptions = 2 })
	c := w.dial()
	id := `"` + uuid.New().String() + `"`
	for _, bad := range []string{
		`{`, `[]`, `17`, `null`, `{}`, "\xff", `{"subscribe":17}`, `{"subscribe":{"channels":["nothing"]}}`, `{"subscribe":{"types":"x"}}`,
		`{"subscribe":{"correlations":["` + uuid.NewString() + `"]}}`, `{"subscribe":{"channels":[],"channel":"x"}}`,
		`{"subscribe":{},"after":"x"}`, `{"subscribe":{},"after":"x.1"}`, `{"subscribe":{},"after":"` + w.id.String() + `.-1"}`,
		`{"id":"` + strings.Repeat("x", 65) + `","subscribe":{}}`,
		`{"subscribe":{"agents":[` + strings.Repeat(id+",", 1000) + id + `]}}`,
	} {
		c.send(bad)
		if h := c.next(); h.Error == nil || h.Error.Code != "INVALID_REQUEST" || h.Error.Message == "" {
			t.Errorf("%.60s: %s", bad, h.raw)
		}
	}
	for _, name := range []string{"a", "b", "a"} {
		c.send(`{"id":"` + name + `","subscribe":{}}`)
		c.catchUp()
	}
	c.send(`{"id":"c","subscribe":{}}`)
	if h := c.next(); h.Error == nil || h.Error.Code != "RATE_LIMITED" || h.ID != "c" {
		t.Errorf("one subscription too many: %s", h.raw)
	}
	w.push(message(uuid.New(), "one"))
	if first, second := c.next(), c.next(); len(first.Events) != 1 || len(second.Events) != 1 || first.ID == second.ID {
		t.Errorf("the others: %s, %s", first.raw, second.raw)
	}
	c.send(`{"subscribe":{"types":["` + strings.Repeat("x", maxMessage.Int()) + `"]}}`)
	if _, err := c.read(); err == nil {
		t.Error("a message that is too large did not end the connection")
	}
}

func TestSubscribersWaitUntilItIsKnownWhatCanBeRead(t *testing.T) {
	t.Parallel()
	w := &world{t: t, id: uuid.New()}
	*w = world{t: t, log: newWorld(t).log, id: w.id}
	w.start()
	first := w.record(message(uuid.New(), "one"))
	c := w.dial()
	c.send(`{"subscribe":{},"after":"` + w.token(0) + `"}`)
	if h := c.next(); h.Subscribed == nil {
		t.Fatalf("heard %s", h.raw)
	}
	c.send(`{"id":"from now","subscribe":{}}`)
	if h := c.next(); h.Subscribed == nil {
		t.Fatalf("heard before it could be read: %s", h.raw)
	}
	w.hub.Begin(first)
	var replayed, caughtUp int
	for range 3 {
		switch h := c.next(); {
		case slices.Equal(positions(h), []string{w.token(first)}) && h.ID == "":
			replayed++
		case h.CaughtUp == w.token(first):
			caughtUp++
		default:
			t.Errorf("heard %s", h.raw)
		}
	}
	if replayed != 1 || caughtUp != 2 {
		t.Errorf("%d replayed, %d caught up", replayed, caughtUp)
	}
}

// A position that a write was answered with lies ahead of what was published.
func TestWhoSubscribesAheadOfWhatIsPublishedHearsOnlyWhatComesAfter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ahead := w.record(message(uuid.New(), "one"), message(uuid.New(), "two"))
	last := w.record(message(uuid.New(), "three"))
	c, got := w.watch(`{"subscribe":{},"after":"` + w.token(ahead) + `"}`)
	if len(got) != 1 || got[0].CaughtUp != w.token(ahead) {
		t.Errorf("heard %+v", got)
	}
	w.publish()
	if h := c.next(); !slices.Equal(positions(h), []string{w.token(last)}) {
		t.Errorf("heard %s", h.raw)
	}
}

func TestLargeFactsComeInFramesOfTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, _ := w.watch(`{"subscribe":{}}`)
	for i := range 4 {
		w.record(message(uuid.New(), fmt.Sprint(i)+strings.Repeat("x", 600<<10)))
	}
	w.publish()
	_, replayed := w.watch(`{"subscribe":{},"after":"` + w.token(0) + `"}`)
	for i := range 4 {
		for _, h := range []heard{c.next(), replayed[i]} {
			if len(h.Events) != 1 || h.Position != h.Events[0].Position {
				t.Errorf("frame %d holds %d facts in %d bytes", i, len(h.Events), len(h.raw))
			}
		}
	}
}
