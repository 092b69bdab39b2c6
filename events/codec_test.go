package events

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

func TestEveryTypeSurvivesTheStore(t *testing.T) {
	t.Parallel()
	codec := NewCodec(newFixedKeys())
	for _, e := range samples {
		r := decode(t, codec, encode(t, codec, e))
		if got, want := toJSON(t, r.Event), toJSON(t, e); got != want {
			t.Errorf("%s came back as\n%s\nnot\n%s", e.EventType(), got, want)
		}
		if got, want := toJSON(t, r.Meta), toJSON(t, sampleMeta); got != want {
			t.Errorf("%s: metadata came back as %s, not %s", e.EventType(), got, want)
		}
		if r.ID != factID || r.Stream != AgentStream(eliza) || r.Revision != 3 || r.Position != 17 || !r.Created.Equal(noon) {
			t.Errorf("%s: its place in the log came back as %+v", e.EventType(), r)
		}
	}
}

func TestWhatThisBuildCannotReadComesBackAsUnknown(t *testing.T) {
	t.Parallel()
	codec := NewCodec(newFixedKeys())
	stored := encode(t, codec, AgentCreated{AgentID: eliza, Character: sampleCharacter()})
	for name, breakIt := range map[string]func(*Encoded){
		"a type nobody knows":       func(e *Encoded) { e.Type = "AgentPromoted" },
		"a newer schema":            func(e *Encoded) { e.Metadata = []byte(`{"schema":2}`) },
		"metadata that is missing":  func(e *Encoded) { e.Metadata = nil },
		"metadata that is no JSON":  func(e *Encoded) { e.Metadata = []byte(`{`) },
		"a payload that is no JSON": func(e *Encoded) { e.Data = []byte(`{"agentId":`) },
		"a payload of other types":  func(e *Encoded) { e.Data = []byte(`{"agentId":7}`) },
		"a payload that lacks what was sealed": func(e *Encoded) {
			e.Data = []byte(`{"agentId":"` + eliza.String() + `"}`)
		},
	} {
		broken := stored
		breakIt(&broken)
		r := decode(t, codec, broken)
		u, ok := r.Event.(Unknown)
		if !ok || u.Type != broken.Type || u.Reason == nil {
			t.Errorf("%s came back as %#v", name, r.Event)
		}
	}
}

func TestANewerSchemaSaysWhatToDo(t *testing.T) {
	t.Parallel()
	codec := NewCodec(newFixedKeys())
	stored := encode(t, codec, AgentStarted{AgentID: eliza})
	stored.Metadata = []byte(`{"schema":9}`)
	if u, ok := decode(t, codec, stored).Event.(Unknown); !ok || !strings.Contains(u.Reason.Error(), "schema 9") {
		t.Errorf("the reason is %v", u.Reason)
	}
}

func TestKeysThatCannotBeReachedAreAnErrorNotAnUnknown(t *testing.T) {
	t.Parallel()
	keys := newFixedKeys()
	stored := encode(t, NewCodec(keys), MessageEdited{AuthorID: alice, Content: "hi"})
	keys.away = errAway
	codec := NewCodec(keys)
	if _, err := codec.Decode(t.Context(), Raw{Encoded: stored}); !errors.Is(err, errAway) {
		t.Errorf("decoding says %v", err)
	}
	if _, err := codec.Encode(t.Context(), Proposed{ID: factID, Event: MessageEdited{AuthorID: alice}, Meta: sampleMeta}); !errors.Is(err, errAway) {
		t.Errorf("encoding says %v", err)
	}
	if err := Check(MessageEdited{AuthorID: alice, Content: "hi"}); err != nil {
		t.Errorf("checking needs no keys, and says %v", err)
	}
}

// promoted is a fact by embedding one, as commands may be.
type promoted struct{ AgentStarted }

func TestOnlyWhatIsInTheCatalogueIsRecorded(t *testing.T) {
	t.Parallel()
	codec := NewCodec(newFixedKeys())
	for name, e := range map[string]Event{
		"a pointer":             &AgentStarted{AgentID: eliza},
		"what embeds a fact":    promoted{AgentStarted{AgentID: eliza}},
		"an unknown fact":       Unknown{Type: "AgentStarted"},
		"a type of another day": Unknown{Type: "AgentPromoted"},
	} {
		if err := Check(e); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: Check says %v", name, err)
		}
		if _, err := codec.Encode(t.Context(), Proposed{ID: factID, Event: e, Meta: sampleMeta}); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: Encode says %v", name, err)
		}
	}
}

func TestMetadataIsHeldToTheSameRules(t *testing.T) {
	t.Parallel()
	codec := NewCodec(newFixedKeys())
	for name, spoil := range map[string]func(*Metadata){
		"a NUL in the actor":      func(m *Metadata) { m.Actor = "key:a\x00b" },
		"a trace that is no text": func(m *Metadata) { m.Trace = "\xff" },
		"no time":                 func(m *Metadata) { m.At = time.Time{} },
		"a time zone of seconds":  func(m *Metadata) { m.At = noon.In(time.FixedZone("", 24*60*60)) },
	} {
		meta := sampleMeta
		spoil(&meta)
		_, err := codec.Encode(t.Context(), Proposed{ID: factID, Event: AgentStarted{AgentID: eliza}, Meta: meta})
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "metadata") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAPayloadOf900KiBIsTheLargest(t *testing.T) {
	t.Parallel()
	codec := NewCodec(newFixedKeys())
	sized := func(n int) Event {
		return MessageEdited{MessageID: hello, ChannelID: lobby, AuthorID: alice, Content: strings.Repeat("x", n)}
	}
	low, high := 0, MaxSize // the longest content that fits lies in between
	for high-low > 1 {
		mid := (low + high) / 2
		if Check(sized(mid)) == nil {
			low = mid
		} else {
			high = mid
		}
	}
	if got := len(encode(t, codec, sized(low)).Data); got > MaxSize || got < MaxSize-4 {
		t.Errorf("the longest content that Check accepts takes %d bytes of %d", got, MaxSize)
	}
	for _, refuse := range []func() error{
		func() error { return Check(sized(high)) },
		func() error {
			_, err := codec.Encode(t.Context(), Proposed{ID: factID, Event: sized(high), Meta: sampleMeta})
			return err
		},
	} {
		if err := refuse(); !errors.Is(err, ErrTooLarge) {
			t.Errorf("one more character: %v", err)
		}
	}
}

// twoSided has two subjects, which may be one and the same.
type twoSided struct {
	From uuid.UUID `json:"from"`
	To   uuid.UUID `json:"to"`
	Said string    `json:"said" seal:"From"`
	Kept string    `json:"kept" seal:"To"`
}

func (twoSided) EventType() string { return "twoSided" }

func TestTwoSubjectsOfOneFactKeepTheirOwnTexts(t *testing.T) {
	t.Parallel()
	keys := newFixedKeys()
	codec := NewCodec(keys)
	l := newLayout(typeOf(twoSided{}))
	codec.types["twoSided"] = l
	for _, to := range []uuid.UUID{alice, eliza} {
		want := twoSided{From: alice, To: to, Said: "said", Kept: "kept"}
		if got := decode(t, codec, encode(t, codec, want)).Event; got != want {
			t.Errorf("%+v came back as %+v", want, got)
		}
	}
	stored := encode(t, codec, twoSided{From: alice, To: eliza, Said: "said", Kept: "kept"})
	if err := codec.Erase(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	if got := decode(t, codec, stored).Event; got != (twoSided{From: alice, To: eliza, Said: Erased, Kept: "kept"}) {
		t.Errorf("after erasing one of them: %+v", got)
	}
}

func TestWhatIsAcceptedComesBackUnchanged(t *testing.T) {
	t.Parallel()
	codec := NewCodec(newFixedKeys())
	rapid.Check(t, func(rt *rapid.T) {
		e := anyEvent(rt)
		enc, err := codec.Encode(t.Context(), Proposed{ID: factID, Event: e, Meta: sampleMeta})
		if check := Check(e); (check == nil) != (err == nil) {
			rt.Fatalf("Check says %v, Encode %v", check, err)
		}
		if err != nil {
			if !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrTooLarge) {
				rt.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if got, want := toJSON(t, decode(t, codec, enc).Event), toJSON(t, e); got != want {
			rt.Fatalf("came back as\n%s\nnot\n%s", got, want)
		}
	})
}
