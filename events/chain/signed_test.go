package chain

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"annals/events"
)

// keyOf is an identity key that a test knows.
func keyOf(b byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, ed25519.SeedSize))
}

func publicOf(k ed25519.PrivateKey) string {
	return hex.EncodeToString(k.Public().(ed25519.PublicKey))
}

// sliceLog is a log in memory.
type sliceLog []events.Raw

func (l sliceLog) Head(context.Context) (events.Position, error) {
	if len(l) == 0 {
		return 0, nil
	}
	return l[len(l)-1].Position, nil
}

func (l sliceLog) Facts(ctx context.Context, after events.Position) iter.Seq2[events.Raw, error] {
	return func(yield func(events.Raw, error) bool) {
		for _, e := range l {
			if e.Position > after && (ctx.Err() != nil || !yield(e, ctx.Err())) {
				return
			}
		}
	}
}

var someLog = uuid.MustParse("0199f3a0-5c00-7000-8000-000000000000")

// logOf is a log of n events, with gaps between their positions, that opens as logs do.
func logOf(n int) (l sliceLog) {
	opened, _ := json.Marshal(events.LogOpened{LogID: someLog})
	for i := range n {
		e := events.Raw{
			Encoded:  events.Encoded{ID: events.Derive(someLog, fmt.Sprint(i)), Type: "Said", Data: fmt.Appendf(nil, `{"n":%d}`, i), Metadata: []byte(`{}`)},
			Stream:   events.StreamID(fmt.Sprintf("message-%d", i)),
			Position: events.Position(3*i + 2), Created: time.Unix(1_780_000_000+int64(i), 0).UTC(),
		}
		if i == 0 {
			e.Type, e.Data = "LogOpened", opened
		}
		l = append(l, e)
	}
	return l
}

var someTime = time.Date(2026, 12, 1, 12, 0, 0, 123_456_789, time.UTC)

func writerOf(t testing.TB, l Log, key ed25519.PrivateKey) *HeadWriter {
	t.Helper()
	return &HeadWriter{Path: filepath.Join(t.TempDir(), "chain"), ID: someLog, Log: l, Key: key, Now: func() time.Time { return someTime }}
}

// extended writes heads and returns the newest signed one.
func extended(t testing.TB, w *HeadWriter) SignedHead {
	t.Helper()
	if err := w.Extend(t.Context()); err != nil {
		t.Fatal(err)
	}
	h := w.Signed()
	if h == nil {
		t.Fatal("no head is signed")
	}
	return *h
}

// What is hashed and signed is never changed: heads that were kept have to be good for ever.
func TestGoldenVectorsOfAHeadAndATree(t *testing.T) {
	t.Parallel()
	h := extended(t, writerOf(t, logOf(5), keyOf(7)))
	got := strings.Join([]string{
		hex.EncodeToString(entryOf(logOf(5)[1]).record()), Hash(tlog.RecordHash(entryOf(logOf(5)[1]).record())).text(),
		hex.EncodeToString(h.Head[:]), hex.EncodeToString(h.Tree[:]), hex.EncodeToString(h.Bytes()), h.PublicKey, h.Signature,
	}, "\n") + "\n"
	want, err := os.ReadFile(filepath.Join("testdata", "head.v1.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the vectors are\n%s", got)
	}
}

func TestNoTwoHeadsHaveTheSameBytes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 6), 0, 6)
		x, y := parts.Draw(t, "x"), parts.Draw(t, "y")
		same := slices.EqualFunc(x, y, bytes.Equal)
		if bytes.Equal(Prefixed(x...), Prefixed(y...)) != same {
			t.Fatalf("%v and %v", x, y)
		}
	})
}

func TestAHeadWithAnotherFieldLosesItsSignature(t *testing.T) {
	t.Parallel()
	h := extended(t, writerOf(t, logOf(5), keyOf(7)))
	if err := h.Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*SignedHead){
		"format":    func(h *SignedHead) { h.Format = "annals-head-v2" },
		"log":       func(h *SignedHead) { h.Position.Log[3] ^= 1 },
		"position":  func(h *SignedHead) { h.Position.Position++ },
		"events":    func(h *SignedHead) { h.Events++ },
		"chain":     func(h *SignedHead) { h.Head[31] ^= 1 },
		"tree":      func(h *SignedHead) { h.Tree[0] ^= 1 },
		"time":      func(h *SignedHead) { h.At = h.At.Add(time.Millisecond) },
		"key":       func(h *SignedHead) { h.PublicKey = publicOf(keyOf(8)) },
		"no key":    func(h *SignedHead) { h.PublicKey = "" },
		"signature": func(h *SignedHead) { h.Signature = strings.Repeat("00", 64) },
		"nothing":   func(h *SignedHead) { h.Signature = "" },
	} {
		other := h
		if change(&other); other.Check() == nil {
			t.Errorf("%s: it still checks", name)
		}
	}
}

// held holds a log against kept heads and returns the findings.
func held(l sliceLog, kept []SignedHead, keys ...string) (said []string, last SignedHead) {
	w := NewWitness(kept, keys, func(s string) { said = append(said, s) })
	for _, e := range l {
		w.Event(e)
	}
	last, _ = w.End()
	return said, last
}

// The attacker has everything: the log, its heads, the tree and the key. The outsider has one head of earlier.
func TestALogThatIsRewrittenTogetherWithItsHeadsIsRefusedByOneKeptHead(t *testing.T) {
	t.Parallel()
	const n, until = 40, 25 // events in the log, and under the kept head
	log := logOf(n)
	kept := extended(t, writerOf(t, log[:until], keyOf(7)))
	if said, last := held(log, []SignedHead{kept}); len(said) > 0 || last.Position != kept.Position {
		t.Fatalf("an untouched log: %q", said)
	}
	for at := range n {
		for name, tamper := range map[string]func(l sliceLog) sliceLog{
			"changed":    func(l sliceLog) sliceLog { l[at].Data = []byte(`{"n":-1}`); return l },
			"dated":      func(l sliceLog) sliceLog { l[at].Created = l[at].Created.Add(time.Second); return l },
			"restreamed": func(l sliceLog) sliceLog { l[at].Stream += "0"; return l },
			"removed":    func(l sliceLog) sliceLog { return slices.Delete(l, at, at+1) },
			"inserted": func(l sliceLog) sliceLog {
				e := l[at]
				e.ID, e.Position = uuid.New(), e.Position-1
				return slices.Insert(l, at, e)
			},
			"swapped": func(l sliceLog) sliceLog {
				to := (at + 1) % until
				l[at].Encoded, l[to].Encoded = l[to].Encoded, l[at].Encoded
				return l
			},
			"cut off": func(l sliceLog) sliceLog { return l[:at] },
		} {
			other := tamper(slices.Clone(log))
			if len(other) > 0 {
				rewritten := extended(t, writerOf(t, other, keyOf(7)))
				if said, _ := held(other, []SignedHead{rewritten}); len(said) > 0 && bytes.Equal(other[0].Data, log[0].Data) {
					t.Fatalf("%s at %d: its own heads do not fit: %q", name, at, said)
				}
			}
			said, _ := held(other, []SignedHead{kept})
			covered := at < until || name == "swapped"
			if (len(said) > 0) != covered {
				t.Errorf("%s at event %d, and the kept head covers %d: %q", name, at, until, said)
			}
		}
	}
}

func TestAKeyCountsOnlyWhereAHeadOfATrustedOneCoversIt(t *testing.T) {
	t.Parallel()
	log := logOf(30)
	found, _ := json.Marshal(events.TeeRootFound{TeeID: someLog, PublicKey: publicOf(keyOf(8))})
	log[10].Type, log[10].Data = "TeeRootFound", found
	head := func(n int, key byte) SignedHead { return extended(t, writerOf(t, log[:n], keyOf(key))) }
	for name, c := range map[string]struct {
		kept []SignedHead
		keys []string
		says string
	}{
		"one key":                {kept: []SignedHead{head(5, 7), head(20, 7)}},
		"one that was announced": {kept: []SignedHead{head(5, 7), head(12, 7), head(20, 8)}},
		"in any order":           {kept: []SignedHead{head(20, 8), head(12, 7), head(5, 7)}},
		"not covered":            {kept: []SignedHead{head(5, 7), head(20, 8)}, says: "vouches"},
		"covered by itself":      {kept: []SignedHead{head(5, 7), head(15, 8), head(20, 8)}, says: "vouches"},
		"named":                  {kept: []SignedHead{head(5, 7), head(20, 8)}, keys: []string{publicOf(keyOf(7)), publicOf(keyOf(8))}},
		"another one named":      {kept: []SignedHead{head(5, 7)}, keys: []string{publicOf(keyOf(9))}, says: "vouches"},
		"of another log": {kept: []SignedHead{func() SignedHead {
			w := writerOf(t, log[:5], keyOf(7))
			w.ID = uuid.New()
			return extended(t, w)
		}()}, says: "is of log"},
	} {
		said, _ := held(log, c.kept, c.keys...)
		if (len(said) > 0) != (c.says != "") || !strings.Contains(strings.Join(said, "\n"), c.says) {
			t.Errorf("%s: %q", name, said)
		}
	}
}

func TestKeptHeadsAreReadInEachOfTheirForms(t *testing.T) {
	t.Parallel()
	log := logOf(2500)
	w := writerOf(t, log, keyOf(7))
	h := extended(t, w)
	one, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(w.Path)
	if err != nil {
		t.Fatal(err)
	}
	answer := fmt.Appendf(nil, `{"success":true,"data":%s}`, one)
	for name, c := range map[string]struct {
		text          []byte
		signed, lines int
		fails         bool
	}{
		"bare": {one, 1, 0, false}, "twice": {slices.Concat(one, []byte("\n"), one), 2, 0, false}, "an answer": {answer, 1, 0, false}, "the file": {file, 3, 3, false},
		"cut off": {append(slices.Concat(one, []byte("\n")), one[:50]...), 1, 0, false}, "cut off at once": {one[:50], 0, 0, true}, "no JSON": {[]byte("head"), 0, 0, true},
		"nothing": {nil, 0, 0, false}, "a number": {[]byte("5"), 0, 0, true}, "no hash": {bytes.Replace(one, []byte(h.Head.text()), []byte("00"), 1), 0, 0, true},
	} {
		signed, lines, err := ReadKept(bytes.NewReader(c.text))
		if (err != nil) != c.fails || len(signed) != c.signed || len(lines) != c.lines {
			t.Errorf("%s: %d signed, %d lines, %v", name, len(signed), len(lines), err)
		}
		if said, _ := held(log, signed); len(said) > 0 {
			t.Errorf("%s: %q", name, said)
		}
	}
}

func (c Hash) text() string { return hex.EncodeToString(c[:]) }

func TestAKeeperHandsOutTheHeadOfTheEndAndSendsItUntilItArrives(t *testing.T) {
	t.Parallel()
	log := logOf(7)
	k := NewKeeper(*writerOf(t, log, nil), slog.New(slog.DiscardHandler))
	asked, sent := 0, make(chan SignedHead, 10)
	k.Identity = func(context.Context) (ed25519.PrivateKey, error) {
		if asked++; asked == 1 {
			return nil, context.DeadlineExceeded
		}
		return keyOf(7), nil
	}
	fails := 1
	k.Send = func(_ context.Context, h SignedHead) error {
		if fails--; fails >= 0 {
			return context.DeadlineExceeded
		}
		sent <- h
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- k.Keep(ctx) }()
	if _, err := k.SignNow(t.Context()); err == nil {
		t.Error("a head is signed without a key")
	}
	for range 3 { // the first is not sent, the last is the same again
		h, err := k.SignNow(t.Context())
		if err != nil || h.Events != 7 || h.Check() != nil {
			t.Fatalf("%+v %v", h, err)
		}
	}
	if p, err := k.Prove(5, 8); err != nil || p.Check(&SignedHead{Events: 3, Position: p.Head.Position}) == nil {
		t.Errorf("%+v %v", p, err) // the tree of the earlier head is not an empty one
	}
	late, end := context.WithCancel(t.Context())
	end()
	if h, err := k.SignNow(late); err != nil || h.Events != 7 {
		t.Errorf("without time it gives %+v, %v", h, err)
	}
	cancel()
	if err := <-ended; err != nil || len(sent) != 1 || (<-sent).Events != 7 {
		t.Errorf("%v, and %d more were sent", err, len(sent))
	}
}
