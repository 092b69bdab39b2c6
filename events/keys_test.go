package events

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
)

func fileKeys(t *testing.T, dir string) *FileKeys {
	t.Helper()
	keys, err := NewFileKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestASubjectHasOneKeyHoweverManyMakeItAtOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "some", "keys")
	folders := []*FileKeys{fileKeys(t, dir), fileKeys(t, dir)}
	for range 5 {
		subject := uuid.New()
		var all sync.WaitGroup
		got := make([][]byte, 16)
		for i := range got {
			all.Go(func() {
				key, err := folders[i%2].Key(t.Context(), subject, true)
				if err != nil {
					t.Error(err)
				}
				got[i] = key
			})
		}
		all.Wait()
		for _, key := range got {
			if len(key) != keySize || !bytes.Equal(key, got[0]) {
				t.Fatalf("keys of one subject: %x and %x", got[0], key)
			}
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*", ".*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestKeysOfTwoSubjectsDiffer(t *testing.T) {
	t.Parallel()
	keys := fileKeys(t, t.TempDir())
	a, errA := keys.Key(t.Context(), alice, true)
	b, errB := keys.Key(t.Context(), eliza, true)
	if errA != nil || errB != nil || bytes.Equal(a, b) {
		t.Errorf("%x, %v and %x, %v", a, errA, b, errB)
	}
}

func TestAKeyIsMadeOnlyWhenAskedTo(t *testing.T) {
	t.Parallel()
	keys := fileKeys(t, t.TempDir())
	if key, err := keys.Key(t.Context(), alice, false); key != nil || err != nil {
		t.Errorf("without one: %x, %v", key, err)
	}
	made, err := keys.Key(t.Context(), alice, true)
	if err != nil {
		t.Fatal(err)
	}
	if key, err := keys.Key(t.Context(), alice, false); !bytes.Equal(key, made) || err != nil {
		t.Errorf("with one: %x, %v", key, err)
	}
}

func TestKeysAreForThisUserAlone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	if _, err := fileKeys(t, dir).Key(t.Context(), alice, true); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestATruncatedKeyFileSaysWhichAndWhatToDo(t *testing.T) {
	t.Parallel()
	keys := fileKeys(t, t.TempDir())
	codec := NewCodec(keys)
	stored := encode(t, codec, MessageEdited{AuthorID: alice, Content: "hi"})
	if err := os.Truncate(keys.path(alice), 5); err != nil {
		t.Fatal(err)
	}
	_, err := NewCodec(keys).Decode(t.Context(), Raw{Encoded: stored})
	if err == nil || !strings.Contains(err.Error(), keys.path(alice)) || !strings.Contains(err.Error(), "backup") {
		t.Errorf("the error is %v", err)
	}
}

func TestWhatACrashLeftIsNoKey(t *testing.T) {
	t.Parallel()
	keys := fileKeys(t, t.TempDir())
	path := keys.path(alice)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".new-123", ".gone-" + alice.String()} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if key, err := keys.Key(t.Context(), alice, false); key != nil || err != nil {
		t.Errorf("read: %x, %v", key, err)
	}
	if key, err := keys.Key(t.Context(), alice, true); len(key) != keySize || err != nil {
		t.Errorf("made: %x, %v", key, err)
	}
}

func TestADestroyedKeyIsGoneAndItsDestructionMayBeRepeated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := fileKeys(t, dir)
	old, err := keys.Key(t.Context(), alice, true)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := keys.Destroy(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
	}
	if key, err := keys.Key(t.Context(), alice, false); key != nil || err != nil {
		t.Errorf("after its destruction: %x, %v", key, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*", "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if key, err := keys.Key(t.Context(), alice, true); err != nil || bytes.Equal(key, old) {
		t.Errorf("the next key is %x, %v", key, err)
	}
}

func TestRepeatingADestructionCompletesAnInterruptedOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := fileKeys(t, dir)
	if _, err := keys.Key(t.Context(), alice, true); err != nil {
		t.Fatal(err)
	}
	aside := filepath.Join(filepath.Dir(keys.path(alice)), ".gone-"+alice.String())
	if err := os.Rename(keys.path(alice), aside); err != nil {
		t.Fatal(err)
	}
	if err := keys.Destroy(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(aside); !os.IsNotExist(err) {
		t.Errorf("the key that was put aside is still there: %v", err)
	}
}

func TestKeysAreMadeAndDestroyedSideBySide(t *testing.T) {
	t.Parallel()
	keys := fileKeys(t, t.TempDir())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 20 {
				key, err := keys.Key(t.Context(), alice, true)
				if err != nil || len(key) != keySize || bytes.Equal(key, make([]byte, keySize)) {
					t.Errorf("a key while others destroy it: %x, %v", key, err)
				}
			}
		})
		all.Go(func() {
			for range 20 {
				if err := keys.Destroy(t.Context(), alice); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

func TestNothingIsSealedUnderAKeyThatIsNotKeptAnyMore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := fileKeys(t, filepath.Join(dir, "keys"))
	codec := NewCodec(keys)
	said := func(subject uuid.UUID) Event { return MessageEdited{AuthorID: subject, Content: "hi"} }
	encode(t, codec, said(eliza))
	copyTo := func(name string) {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join(dir, "keys"))); err != nil {
			t.Fatal(err)
		}
	}
	putBack := func(name string) {
		if err := errors.Join(os.RemoveAll(filepath.Join(dir, "keys")), os.Rename(filepath.Join(dir, name), filepath.Join(dir, "keys"))); err != nil {
			t.Fatal(err)
		}
	}
	copyTo("older")
	stored := encode(t, codec, said(alice))
	copyTo("newest")
	putBack("older")
	if _, err := codec.Encode(t.Context(), Proposed{ID: factID, Event: said(alice), Meta: sampleMeta}); !errors.Is(err, ErrKeysLost) {
		t.Errorf("sealed under a lost key: %v", err)
	}
	if _, err := os.Stat(keys.path(alice)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another key was made: %v", err)
	}
	if lost, _, err := codec.Lost(t.Context()); len(lost) != 1 || err != nil {
		t.Errorf("%v are lost: %v", lost, err)
	}
	encode(t, codec, said(eliza)) // eliza's key is there, in another file
	if got := decode(t, codec, stored).Event.(MessageEdited).Content; got != "hi" {
		t.Errorf("what was sealed before reads %q", got)
	}
	putBack("newest")
	if lost, _, err := codec.Lost(t.Context()); len(lost) != 0 || err != nil {
		t.Errorf("%v are lost after they were put back: %v", lost, err)
	}
	stored = encode(t, codec, said(alice))
	if got := decode(t, NewCodec(keys), stored).Event.(MessageEdited).Content; got != "hi" {
		t.Errorf("another process reads %q", got)
	}
	// What another process destroys, after it was recorded, is no loss.
	key, err := codec.KeyOf(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	if err := NewCodec(keys).Erase(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	codec.FindErasures(func(context.Context, uuid.UUID) ([]Erasure, error) { return []Erasure{{Key: key, Position: 5}}, nil })
	stored = encode(t, codec, said(alice))
	if lost, _, err := codec.Lost(t.Context()); len(lost) != 0 || err != nil {
		t.Errorf("%v are lost after an erasure: %v", lost, err)
	}
	if got := decode(t, NewCodec(keys), stored).Event.(MessageEdited).Content; got != "hi" {
		t.Errorf("what was said after the erasure reads %q", got)
	}
}
