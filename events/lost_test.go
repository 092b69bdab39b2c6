package events

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
)

// inLog is a log with these erasures of alice.
func inLog(all ...Erasure) FindErasures {
	return func(_ context.Context, subject uuid.UUID) ([]Erasure, error) {
		if subject != alice {
			return nil, nil
		}
		return all, nil
	}
}

func lostOf(t *testing.T, c *Codec) []LostKey {
	t.Helper()
	all, _, err := c.Lost(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func edited(t *testing.T, c *Codec, stored Encoded) string {
	t.Helper()
	return decode(t, c, stored).Event.(MessageEdited).Content
}

func TestAKeyThatNobodyDestroyedIsLostAndNotErased(t *testing.T) {
	t.Parallel()
	keys := fileKeys(t, t.TempDir())
	stored := encode(t, NewCodec(keys), MessageEdited{AuthorID: alice, Content: "words"})
	key, err := NewCodec(keys).KeyOf(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(keys.dir); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		recorded []Erasure
		reads    string
	}{
		"nothing recorded":                         {nil, Lost},
		"its erasure recorded":                     {[]Erasure{{Key: key, Position: 20}}, Erased},
		"its erasure recorded before the text":     {[]Erasure{{Key: key, Position: 3}}, Erased},
		"an erasure of an earlier release":         {[]Erasure{{Position: 18}}, Erased},
		"an earlier erasure of another key":        {[]Erasure{{Key: "00000000", Position: 3}}, Lost},
		"a later erasure, which covers what was":   {[]Erasure{{Key: "00000000", Position: 18}}, Erased},
		"an earlier erasure of an earlier release": {[]Erasure{{Position: 3}}, Lost},
	} {
		codec := NewCodec(fileKeys(t, filepath.Join(t.TempDir(), "keys")))
		codec.FindErasures(inLog(c.recorded...))
		if got := edited(t, codec, stored); got != c.reads {
			t.Errorf("%s: reads %q", name, got)
		}
		if n := len(lostOf(t, codec)); (n == 1) != (c.reads == Lost) || n > 1 {
			t.Errorf("%s: %d keys are lost", name, n)
		}
	}
}

func TestEveryKindOfFieldSaysThatItIsLost(t *testing.T) {
	t.Parallel()
	for _, e := range samples {
		stored := encode(t, NewCodec(newFixedKeys()), e)
		codec := NewCodec(fileKeys(t, filepath.Join(t.TempDir(), "keys")))
		read := toJSON(t, decode(t, codec, stored).Event)
		if strings.Contains(read, Erased) || strings.Contains(strings.ToLower(read), "private") {
			t.Errorf("%s reads %s", e.EventType(), read)
		}
		if m, ok := decode(t, codec, stored).Event.(MemoryStored); ok && !json.Valid(m.Content) || ok && string(m.Content) != `{"text":"[lost]"}` {
			t.Errorf("the content of a memory reads %s", m.Content)
		}
	}
}

func TestNothingIsSealedUnderANewKeyWhileKeysAreLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := fileKeys(t, filepath.Join(t.TempDir(), "keys"))
		codec := NewCodec(keys)
		codec.FindErasures(inLog())
		stored := encode(t, codec, MessageEdited{AuthorID: alice, Content: "words"})
		_ = encode(t, codec, AgentCreated{AgentID: eliza, Character: sampleCharacter()})
		backup, aside := keys.path(alice), filepath.Join(t.TempDir(), "aside")
		if err := os.Rename(backup, aside); err != nil {
			t.Fatal(err)
		}
		codec = NewCodec(keys)
		codec.FindErasures(inLog())
		if got := edited(t, codec, stored); got != Lost {
			t.Fatalf("reads %q", got)
		}
		seal := func(e Event) error {
			_, err := codec.Encode(t.Context(), Proposed{ID: factID, Event: e, Meta: sampleMeta})
			return err
		}
		said := MessageEdited{AuthorID: alice, Content: "more"}
		for name, refused := range map[string]Event{"the subject": said, "a subject without a key": MessageEdited{AuthorID: guild, Content: "more"}} {
			if err := seal(refused); !errors.Is(err, ErrKeysLost) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := seal(AgentCreated{AgentID: eliza, Character: sampleCharacter()}); err != nil {
			t.Errorf("a subject whose key is there: %v", err)
		}
		if made, err := keys.Key(t.Context(), alice, false); made != nil || err != nil {
			t.Errorf("a key was made: %v", err)
		}

		if _, err := keys.Key(t.Context(), alice, true); err != nil { // another vault has one of the same subject
			t.Fatal(err)
		}
		time.Sleep(2 * recheckEvery)
		if err := seal(said); !errors.Is(err, ErrKeysLost) {
			t.Errorf("under the key of another vault: %v", err)
		}
		if err := os.Rename(aside, backup); err != nil { // it is restored
			t.Fatal(err)
		}
		time.Sleep(2 * recheckEvery)
		if err := errors.Join(seal(said), seal(MessageEdited{AuthorID: guild, Content: "more"})); err != nil {
			t.Errorf("after the key is back: %v", err)
		}
		if got := edited(t, codec, stored); got != "words" {
			t.Errorf("after the key is back it reads %q", got)
		}
	})
}

func TestALostKeyThatIsGivenUpIsErased(t *testing.T) {
	t.Parallel()
	stored := encode(t, NewCodec(newFixedKeys()), MessageEdited{AuthorID: alice, Content: "words"})
	codec := NewCodec(fileKeys(t, filepath.Join(t.TempDir(), "keys")))
	if got, all := edited(t, codec, stored), lostOf(t, codec); got != Lost || len(all) != 1 || all[0].Subject != alice || all[0].Position != 17 {
		t.Fatalf("reads %q, lost are %v", got, all)
	}
	codec.FindErasures(inLog(SubjectErased{SubjectID: alice}.Erasure(30)))
	if got, all := edited(t, codec, stored), lostOf(t, codec); got != Erased || len(all) != 0 {
		t.Errorf("reads %q, lost are %v", got, all)
	}
	_ = encode(t, codec, MessageEdited{AuthorID: alice, Content: "more"})
}

func TestBetweenTheRecordOfAnErasureAndItsEndTheKeyIsNotReadAgain(t *testing.T) {
	t.Parallel()
	keys := fileKeys(t, t.TempDir())
	codec := NewCodec(keys)
	stored := encode(t, codec, MessageEdited{AuthorID: alice, Content: "words"})
	key, err := codec.KeyOf(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	codec.Forget(alice, SubjectErased{SubjectID: alice, Key: key}.Erasure(18))
	if got := edited(t, codec, stored); got != Erased {
		t.Errorf("reads %q", got)
	}
	said := Proposed{ID: factID, Event: MessageEdited{AuthorID: alice, Content: "more"}, Meta: sampleMeta}
	if _, err := codec.Encode(t.Context(), said); !errors.Is(err, ErrKeysUnreachable) {
		t.Errorf("sealed meanwhile: %v", err)
	}
	if err := keys.Destroy(t.Context(), alice); err != nil { // by the process that erases
		t.Fatal(err)
	}
	if _, err := codec.Encode(t.Context(), said); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestALogThatCannotBeReadIsNotTakenForALostKey(t *testing.T) {
	t.Parallel()
	stored := encode(t, NewCodec(newFixedKeys()), MessageEdited{AuthorID: alice, Content: "words"})
	codec := NewCodec(fileKeys(t, filepath.Join(t.TempDir(), "keys")))
	codec.FindErasures(func(context.Context, uuid.UUID) ([]Erasure, error) { return nil, ErrUnavailable })
	if _, err := codec.Decode(t.Context(), Raw{Encoded: stored, Position: 17}); !errors.Is(err, ErrKeysUnreachable) {
		t.Errorf("%v", err)
	}
}
