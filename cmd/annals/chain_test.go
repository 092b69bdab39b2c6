package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
	"annals/events"
	"annals/events/chain"
	"annals/events/embedded"
	"annals/transport/attest"
)

// linesLog is an exported log.
type linesLog []embedded.Line

func (l linesLog) Head(context.Context) (events.Position, error) {
	last := events.Position(0)
	for e := range l.Facts(context.Background(), 0) {
		last = e.Position
	}
	return last, nil
}

func (l linesLog) Facts(_ context.Context, after events.Position) iter.Seq2[events.Raw, error] {
	return func(yield func(events.Raw, error) bool) {
		for _, line := range l {
			if raw := rawOf(line); raw.Position > after && raw.Type[0] != '$' && !yield(raw, nil) {
				return
			}
		}
	}
}

// rewriteHeads makes the heads in a data folder anew from its log, with the key of its server, as an attacker with the whole folder can.
func rewriteHeads(t *testing.T, dir string, head chain.SignedHead, lines []embedded.Line) {
	t.Helper()
	path := node.ChainIn(dir)
	for _, name := range []string{path, path + ".entries", path + ".nodes"} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(node.RootIn(dir))
	if err != nil {
		t.Fatal(err)
	}
	secret, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	root, err := attest.NewRoot(attest.Software, secret)
	if err != nil {
		t.Fatal(err)
	}
	w := chain.HeadWriter{Path: path, ID: head.Position.Log, Log: linesLog(lines), Now: time.Now, Key: root.Identity()}
	if err := w.Extend(t.Context()); err != nil || w.Signed().PublicKey != head.PublicKey {
		t.Fatalf("%+v %v", w.Signed(), err)
	}
}

func TestALogAndItsHeadsRewrittenTogetherAreRefusedByWhoeverKeptOneHead(t *testing.T) {
	t.Parallel()
	dir, url, notary := t.TempDir(), pgtest.New(t), filepath.Join(t.TempDir(), "heads")
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + dir, "POSTGRES_URL=" + url, "HEADS_TO=file://" + notary}
	p, channel, _ := talked(t, settings)
	answer := p.must(t, http.StatusOK, http.MethodPost, "/api/history/head", nil)
	kept := filepath.Join(t.TempDir(), "kept.json")
	if err := os.WriteFile(kept, answer.body, 0o600); err != nil {
		t.Fatal(err)
	}
	signed, _, err := chain.ReadKept(bytes.NewReader(answer.body))
	if err != nil || len(signed) != 1 {
		t.Fatal(signed, err)
	}
	head := signed[0]
	if _, a, err := p.post(t.Context(), channel, "said after the head"); err != nil || a.status != http.StatusCreated {
		t.Fatal(err, a.status)
	}
	proof := filepath.Join(t.TempDir(), "proof.json")
	answer = p.must(t, http.StatusOK, http.MethodGet, "/api/history/proof?position="+head.Position.String()+"&head="+head.Position.String(), nil)
	if err := os.WriteFile(proof, answer.body, 0o600); err != nil {
		t.Fatal(err)
	}
	p.stop(t)
	nothing := []string{"DATA_DIR=" + t.TempDir()} // the outsider has no data folder
	says := func(name string, settings []string, fails bool, text string, args ...string) {
		t.Helper()
		said, err := annalsSays(t.Context(), settings, args...)
		if (err != nil) != fails || !strings.Contains(said, text) {
			t.Errorf("%s: %v: %s", name, err, said)
		}
	}
	log := filepath.Join(dir, "events")
	says("verify", settings, false, "everything is well", "verify", "--heads", kept)
	says("verify, the notary", settings, false, "everything is well", "verify", "--heads", notary, "--no-rows")
	says("check", nothing, false, "everything is well", "chain", "check", "--log", log, "--heads", kept)
	says("check, the notary", nothing, false, "everything is well", "chain", "check", "--log", log, "--heads", "file://"+notary)
	says("check, the chain", nothing, false, "everything is well", "chain", "check", "--log", log, "--heads", node.ChainIn(dir))
	says("a proof", nothing, false, "goes on from the head at position", "chain", "check", proof, "--heads", kept)
	says("a proof and the log", nothing, false, "everything is well", "chain", "check", proof, "--heads", kept, "--log", log)
	says("a proof without the earlier head", nothing, true, "is missing", "chain", "check", proof, "--key", head.PublicKey)
	says("another key", nothing, true, "vouches", "chain", "check", "--log", log, "--heads", kept, "--key", strings.Repeat("00", 32))
	says("the newest head", settings, false, head.PublicKey, "chain", "head")
	says("a proof of the command", settings, false, `"inclusion"`, "chain", "prove", "--position", head.Position.String())

	at := slices.IndexFunc(exported(t, dir), func(l embedded.Line) bool { return strings.HasPrefix(l.Stream, "message-") })
	for name, tamper := range map[string]func([]embedded.Line) []embedded.Line{
		"changed": func(l []embedded.Line) []embedded.Line {
			l[at].Data = bytes.Replace(l[at].Data, []byte(`"sourceType":"eliza_gui"`), []byte(`"sourceType":"eliza_gux"`), 1)
			return l
		},
		"removed": func(l []embedded.Line) []embedded.Line { // one that nothing follows from
			last := slices.IndexFunc(l, func(e embedded.Line) bool {
				return e.Type[0] != '$' && e.Type != "LogOpened" && !slices.ContainsFunc(l, func(later embedded.Line) bool {
					return later.ID != e.ID && (later.Stream == e.Stream || bytes.Contains(later.Metadata, []byte(e.ID.String())))
				})
			})
			return slices.Delete(l, last, last+1)
		},
		"cut off": func(l []embedded.Line) []embedded.Line {
			return slices.DeleteFunc(l, func(l embedded.Line) bool { return l.Position >= uint64(head.Position.Position) })
		},
	} {
		lines := tamper(exported(t, dir))
		to := copied(t, dir, lines)
		rewriteHeads(t, to, head, lines)
		own := []string{"DATA_DIR=" + to, "POSTGRES_URL=" + url}
		says(name+", its own heads", own, false, "everything is well", "verify", "--no-rows")
		says(name+", verify", own, true, "finding", "verify", "--no-rows", "--heads", kept)
		says(name+", check", nothing, true, "does not hold", "chain", "check", "--log", filepath.Join(to, "events"), "--heads", kept)
	}
}
