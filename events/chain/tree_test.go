package chain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"annals/events"
)

func TestAProofHoldsForItsEventAndHeadsAlone(t *testing.T) {
	t.Parallel()
	const n = 70
	log := logOf(n)
	var heads []SignedHead
	w := writerOf(t, nil, keyOf(7))
	for i := range n {
		w.Log = log[:i+1]
		heads = append(heads, extended(t, w))
	}
	for size := 1; size <= n; size++ {
		head := heads[size-1]
		for i := range size {
			p, err := Prove(w.Path, head, log[i].Position, log[i].Position)
			if err != nil || p.Inclusion.Index != int64(i) || p.Consistency.Events != int64(i)+1 {
				t.Fatalf("event %d of %d: %+v %v", i, size, p, err)
			}
			if err := errors.Join(p.Check(&heads[i]), p.Inclusion.Covers(log[i])); err != nil {
				t.Fatalf("event %d of %d: %v", i, size, err)
			}
			if text, err := json.Marshal(p); err != nil || len(text) > 4096 {
				t.Errorf("a proof has %d bytes: %v", len(text), err)
			}
			other := heads[(i+1)%n]
			other.Events = heads[i].Events
			if p.Check(&other) == nil || p.Check(nil) == nil || p.Inclusion.Covers(log[(i+1)%n]) == nil {
				t.Fatalf("event %d of %d: it holds for others as well", i, size)
			}
			forged := p
			forged.Inclusion = &Inclusion{Entry: p.Inclusion.Entry, Index: p.Inclusion.Index, Path: p.Inclusion.Path}
			forged.Inclusion.Entry.Digest[0] ^= 1
			if !errors.Is(forged.Check(&heads[i]), ErrProof) {
				t.Fatalf("event %d of %d: another event is proved", i, size)
			}
		}
	}
	for _, none := range []events.Position{1, 3, log[n-1].Position + 1} {
		if _, err := Prove(w.Path, heads[n-1], none, 0); !errors.Is(err, ErrNoEntry) {
			t.Errorf("at position %d: %v", none, err)
		}
	}
	if _, err := Prove(w.Path, heads[3], log[5].Position, 0); !errors.Is(err, ErrNoEntry) {
		t.Errorf("after the head: %v", err)
	}
}

// resumed is another writer of the same file, as after a restart.
func resumed(t *testing.T, w *HeadWriter, l Log) *HeadWriter {
	t.Helper()
	next := &HeadWriter{Path: w.Path, ID: w.ID, Log: l, Key: w.Key, Now: w.Now}
	if err := next.Resume(); err != nil {
		t.Fatal(err)
	}
	return next
}

func TestATreeIsMadeAnewFromTheLogWhateverACrashHasLeft(t *testing.T) {
	t.Parallel()
	log := logOf(2600)
	want := extended(t, writerOf(t, log, keyOf(7)))
	cut := func(name string, by int64) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			info, err := os.Stat(path + name)
			if err == nil {
				err = os.Truncate(path+name, max(0, info.Size()-by))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, damage := range map[string]func(*testing.T, string){
		"nothing":              func(*testing.T, string) {},
		"a part of an entry":   cut(".entries", 1),
		"a part of a hash":     cut(".nodes", 1),
		"many entries":         cut(".entries", 700*entrySize),
		"many hashes":          cut(".nodes", 700*32),
		"all entries":          cut(".entries", 1<<40),
		"the tree":             func(t *testing.T, path string) { _ = removeTree(path) },
		"more than it should":  func(t *testing.T, path string) { appendTo(t, path+".entries", 100); appendTo(t, path+".nodes", 100) },
		"zeros among entries":  func(t *testing.T, path string) { overwritten(t, path+".entries", 900*entrySize, 100) },
		"zeros among hashes":   func(t *testing.T, path string) { overwritten(t, path+".nodes", 900*32, 100) },
		"zeros at the end":     func(t *testing.T, path string) { overwritten(t, path+".nodes", 3900*32, 100) },
		"the heads of the end": func(t *testing.T, path string) { cutLines(t, path, 1) },
	} {
		w := writerOf(t, log[:2000], keyOf(7))
		extended(t, w)
		w.Log = log[:2400]
		extended(t, w)
		damage(t, w.Path)
		next := resumed(t, w, log)
		if h := extended(t, next); h.Tree != want.Tree || h.Head != want.Head || h.Events != want.Events {
			t.Errorf("%s: %+v, not %+v", name, h, want)
		}
		for i := 0; i < len(log); i += 37 {
			if _, err := Prove(w.Path, *next.Signed(), log[i].Position, log[i].Position); err != nil {
				t.Fatalf("%s: position %d: %v", name, log[i].Position, err)
			}
		}
	}
}

func TestATreeThatIsDamagedWhileItIsWrittenGivesNoFalseProofAndIsMadeAnew(t *testing.T) {
	t.Parallel()
	log := logOf(1000)
	w := writerOf(t, log[:900], keyOf(7))
	h := extended(t, w)
	overwritten(t, w.Path+".nodes", 0, 1700*32)
	if _, err := Prove(w.Path, h, log[5].Position, 0); !errors.Is(err, ErrProof) {
		t.Errorf("a damaged tree: %v", err)
	}
	if err := removeTree(w.Path); err != nil {
		t.Fatal(err)
	}
	w.Log = log
	if err := w.Extend(t.Context()); err == nil {
		t.Error("a tree that is gone goes on")
	}
	h = extended(t, w)
	if p, err := Prove(w.Path, h, log[5].Position, log[899].Position); err != nil || h.Events != 1000 {
		t.Errorf("%+v %v", p, err)
	}
}

func TestALogThatWasTamperedWithBeforeItHadATreeIsNotSigned(t *testing.T) {
	t.Parallel()
	log := logOf(30)
	w := writerOf(t, log[:20], nil)
	if err := w.Extend(t.Context()); err != nil || w.Signed() != nil {
		t.Fatal(w.Signed(), err)
	}
	must(t, removeTree(w.Path))
	log[4].Data = []byte(`{}`)
	next := resumed(t, w, log)
	next.Key = keyOf(7)
	if err := next.Extend(t.Context()); !errors.Is(err, errTree) {
		t.Errorf("it is signed: %v", err)
	}
	for range 2 { // its chain goes on, unsigned
		if err := next.Extend(t.Context()); err != nil || next.Last != log[len(log)-1].Position || next.Signed() != nil {
			t.Fatalf("%d %v %v", next.Last, next.Signed(), err)
		}
	}
}

func TestAHeadOfABuildThatDidNotSignIsSignedAfterwards(t *testing.T) {
	t.Parallel()
	log := logOf(20)
	w := writerOf(t, log, nil)
	must(t, w.Extend(t.Context()))
	next := resumed(t, w, log)
	next.Key = keyOf(7)
	if h := extended(t, next); h.Events != 20 || h.Check() != nil {
		t.Errorf("%+v", h)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func appendTo(t *testing.T, path string, n int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.Write(bytes.Repeat([]byte{9}, n))
	must(t, errors.Join(err, f.Close()))
}

func overwritten(t *testing.T, path string, at int64, n int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt(make([]byte, n), at)
	must(t, errors.Join(err, f.Close()))
}

func cutLines(t *testing.T, path string, n int) {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	lines := slices.Collect(bytes.Lines(text))
	must(t, os.WriteFile(path, bytes.Join(lines[:len(lines)-n], nil), 0o600))
}

// BenchmarkProof measures a proof about a log of a million events: made from the files, and checked.
func BenchmarkProof(b *testing.B) {
	const n = 1_000_000
	path := filepath.Join(b.TempDir(), "chain")
	t, err := openTree(path, true)
	must(b, err)
	w := &treeWriter{treeFiles: t}
	var earlier SignedHead
	for i := range n {
		w.add(Entry{Position: events.Position(i + 1), Created: uint64(i)})
		if i%headEvents == 0 {
			must(b, w.flush())
		}
		if i == n/3 {
			earlier = SignedHead{Events: int64(i) + 1, Tree: w.edge.root()}
		}
	}
	must(b, w.flush())
	head := SignedHead{Events: n, Tree: w.edge.root(), At: time.Now()}
	head.Position.Position = n
	head.sign(keyOf(7))
	must(b, w.close())
	p, err := Prove(path, head, 700_000, n/3+1)
	must(b, err)
	text, err := json.Marshal(p)
	must(b, err)
	b.Run("make", func(b *testing.B) {
		for b.Loop() {
			if _, err := Prove(path, head, 700_000, n/3+1); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run(fmt.Sprintf("check of %d bytes", len(text)), func(b *testing.B) {
		for b.Loop() {
			var p Proof
			if err := errors.Join(json.Unmarshal(text, &p), p.Check(&earlier)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
