package events

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
)

func TestPersonalTextIsNowhereInWhatIsStored(t *testing.T) {
	t.Parallel()
	codec := NewCodec(newFixedKeys())
	for _, e := range samples {
		enc := encode(t, codec, e)
		for _, stored := range [][]byte{enc.Data, enc.Metadata} {
			if bytes.Contains(bytes.ToLower(stored), []byte("private")) {
				t.Errorf("%s is stored as %s", e.EventType(), stored)
			}
		}
	}
}

func TestTheSameTextIsSealedDifferentlyEachTime(t *testing.T) {
	t.Parallel()
	codec := NewCodec(newFixedKeys())
	e := MessageEdited{AuthorID: alice, Content: "yes"}
	if bytes.Equal(encode(t, codec, e).Data, encode(t, codec, e).Data) {
		t.Error("two sealings of one text are alike")
	}
}

func TestSealedTextOpensInItsOwnEventOnly(t *testing.T) {
	t.Parallel()
	codec := NewCodec(newFixedKeys())
	stored := encode(t, codec, MessageEdited{MessageID: hello, ChannelID: lobby, AuthorID: alice, Content: "yes"})
	var payload struct {
		Sealed map[string][]byte `json:"sealed"`
	}
	if err := json.Unmarshal(stored.Data, &payload); err != nil {
		t.Fatal(err)
	}
	sealed := payload.Sealed["authorId"]
	withSealed := func(b []byte) Encoded {
		e := stored
		e.Data = []byte(strings.Replace(string(stored.Data), toJSON(t, sealed), toJSON(t, b), 1))
		return e
	}
	moved := stored
	moved.ID = uuid.New()
	cases := map[string]Encoded{
		"moved to another event":   moved,
		"of a newer version":       withSealed(append([]byte{sealVersion + 1}, sealed[1:]...)),
		"cut short":                withSealed(sealed[:len(sealed)-1]),
		"cut down to its head":     withSealed(sealed[:4]),
		"empty":                    withSealed(nil),
		"followed by another byte": withSealed(append(slices.Clone(sealed), 0)),
	}
	for i := 1 + keyIDSize; i < len(sealed); i += 7 {
		changed := slices.Clone(sealed)
		changed[i] ^= 1
		cases[fmt.Sprintf("changed at byte %d", i)] = withSealed(changed)
	}
	for name, enc := range cases {
		if u, ok := decode(t, codec, enc).Event.(Unknown); !ok || u.Reason == nil {
			t.Errorf("sealed text %s opens as %#v", name, decode(t, codec, enc).Event)
		}
	}
	if got := decode(t, codec, withSealed(sealed)).Event; got.(MessageEdited).Content != "yes" {
		t.Errorf("left as it was, it opens as %#v", got)
	}
}

func TestAnErasedSubjectsTextsReadErasedAndViewsStillDecode(t *testing.T) {
	t.Parallel()
	codec := NewCodec(newFixedKeys())
	for _, e := range samples {
		stored := encode(t, codec, e)
		for _, subject := range []uuid.UUID{alice, eliza, guild, lobby} {
			if err := codec.Erase(t.Context(), subject); err != nil {
				t.Fatal(err)
			}
		}
		read := decode(t, codec, stored).Event
		if reflect.TypeOf(read) != reflect.TypeOf(e) {
			t.Errorf("%s reads as %#v", e.EventType(), read)
			continue
		}
		if text := toJSON(t, read); strings.Contains(strings.ToLower(text), "private") {
			t.Errorf("%s still says %s", e.EventType(), text)
		}
		if again := decode(t, codec, encode(t, codec, read)).Event; toJSON(t, again) != toJSON(t, read) {
			t.Errorf("%s: what reads erased cannot be recorded again: %s", e.EventType(), toJSON(t, again))
		}
	}
}

func TestEachKindOfFieldHasAnErasedForm(t *testing.T) {
	t.Parallel()
	codec := NewCodec(newFixedKeys())
	created := encode(t, codec, AgentCreated{AgentID: eliza, Character: sampleCharacter()})
	said := encode(t, codec, MessageSubmitted{
		MessageID: hello, ChannelID: lobby, AuthorID: eliza, AuthorName: "Private", Content: "private words", SourceType: "client_chat",
		RawMessage: json.RawMessage(`{"private":1}`), Metadata: json.RawMessage(`{"private":1}`),
	})
	if err := codec.Erase(t.Context(), eliza); err != nil {
		t.Fatal(err)
	}
	want := AgentCreated{AgentID: eliza, Character: Character{
		Name: Erased, Username: Erased, System: Erased, Bio: json.RawMessage(`"[erased]"`),
	}}
	if got := decode(t, codec, created).Event; !reflect.DeepEqual(got, want) {
		t.Errorf("the character reads %#v", got)
	}
	settings, err := want.Character.PublicSettings()
	if err != nil || len(settings) != 0 {
		t.Errorf("its settings are %v, %v", settings, err)
	}
	silent := MessageSubmitted{
		MessageID: hello, ChannelID: lobby, AuthorID: eliza, AuthorName: Erased, Content: Erased, SourceType: "client_chat",
	}
	if got := decode(t, codec, said).Event; !reflect.DeepEqual(got, silent) {
		t.Errorf("the message reads %#v", got)
	}
}

func TestAKeyMadeAfterAnErasureDoesNotOpenTheOldText(t *testing.T) {
	t.Parallel()
	keys, err := NewFileKeys(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	codec := NewCodec(keys)
	before := encode(t, codec, MessageEdited{AuthorID: alice, Content: "before"})
	if err := codec.Erase(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	after := encode(t, codec, MessageEdited{AuthorID: alice, Content: "after"})
	later := NewCodec(keys)
	later.FindErasures(inLog(SubjectErased{SubjectID: alice}.Erasure(18)))
	for _, c := range []*Codec{codec, later} {
		if got := decode(t, c, before).Event.(MessageEdited).Content; got != Erased {
			t.Errorf("the erased text reads %q", got)
		}
		if got := decode(t, c, after).Event.(MessageEdited).Content; got != "after" {
			t.Errorf("the new text reads %q", got)
		}
	}
}

func TestAFailedErasureIsAnErrorAndErasingNobodySucceeds(t *testing.T) {
	t.Parallel()
	keys := newFixedKeys()
	codec := NewCodec(keys)
	if err := codec.Erase(t.Context(), alice); err != nil {
		t.Errorf("erasing somebody without a key: %v", err)
	}
	keys.away = errAway
	if err := codec.Erase(t.Context(), alice); err == nil || !strings.Contains(err.Error(), alice.String()) {
		t.Errorf("erasing without the keys says %v", err)
	}
}

// slowKeys lets a look-up be overtaken: it holds the first key that it read until told to go on.
type slowKeys struct {
	Keys
	once       sync.Once
	read, goOn chan struct{}
}

func (k *slowKeys) Key(ctx context.Context, subject uuid.UUID, create bool) ([]byte, error) {
	key, err := k.Keys.Key(ctx, subject, create)
	k.once.Do(func() { close(k.read); <-k.goOn })
	return key, err
}

func TestAKeyThatIsBeingLookedUpDoesNotOutliveItsDestruction(t *testing.T) {
	t.Parallel()
	files, err := NewFileKeys(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	stored := encode(t, NewCodec(files), MessageEdited{AuthorID: alice, Content: "before"})
	slow := &slowKeys{Keys: files, read: make(chan struct{}), goOn: make(chan struct{})}
	codec := NewCodec(slow)
	var both sync.WaitGroup
	both.Go(func() { _, _ = codec.Decode(t.Context(), Raw{Encoded: stored}) })
	<-slow.read
	both.Go(func() {
		if err := codec.Erase(t.Context(), alice); err != nil {
			t.Error(err)
		}
	})
	close(slow.goOn)
	both.Wait()
	if got := decode(t, codec, stored).Event.(MessageEdited).Content; got != Erased {
		t.Errorf("after the erasure the text reads %q", got)
	}
}

func TestAKeyedHashConfirmsNoGuessOnceItsSubjectIsErased(t *testing.T) {
	t.Parallel()
	keys := fileKeys(t, t.TempDir())
	hash := func(c *Codec, subject uuid.UUID, text string) string {
		t.Helper()
		sum, err := c.MAC(t.Context(), subject, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	codec := NewCodec(keys)
	before := hash(codec, alice, "yes")
	if hash(NewCodec(keys), alice, "yes") != before {
		t.Error("another process hashes differently")
	}
	if hash(codec, alice, "no") == before || hash(codec, eliza, "yes") == before {
		t.Error("another text or subject has the same hash")
	}
	if err := codec.Erase(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	if hash(codec, alice, "yes") == before {
		t.Error("the guess is confirmed after the erasure")
	}
}
