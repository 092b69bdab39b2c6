package chain

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"annals/events"
)

// FormatProof names the form of a proof.
const FormatProof = "annals-proof-v1"

// Proof shows, without the log, that a signed head covers an event, and that it goes on from an earlier head.
type Proof struct {
	Format      string       `json:"format" doc:"annals-proof-v1."`
	Head        SignedHead   `json:"head" doc:"The head that is proved about."`
	Inclusion   *Inclusion   `json:"inclusion,omitempty" doc:"Shows that the head covers an event."`
	Consistency *Consistency `json:"consistency,omitempty" doc:"Shows that the head goes on from an earlier one."`
}

// Inclusion shows that a tree has an entry.
type Inclusion struct {
	Entry Entry  `json:"entry"`
	Index int64  `json:"index" doc:"The number of the event in the log, from 0."`
	Path  []Hash `json:"path" doc:"The hashes that lead from the entry to the root of the tree."`
}

// Consistency shows that a tree begins with an earlier one.
type Consistency struct {
	Events int64  `json:"events" doc:"How many events the earlier head covers."`
	Path   []Hash `json:"path"`
}

// ErrProof: a proof does not hold.
var ErrProof = errors.New("the proof does not hold")

// Check reports why a proof does not hold. Whether to trust the key of its head is another question. A consistency proof needs the
// earlier head.
func (p Proof) Check(earlier *SignedHead) error {
	if p.Format != FormatProof {
		return fmt.Errorf("%.40q is no form of a proof that this build knows", p.Format)
	}
	if err := p.Head.Check(); err != nil {
		return err
	}
	size, root := p.Head.Events, tlog.Hash(p.Head.Tree)
	if i := p.Inclusion; i != nil {
		if err := tlog.CheckRecord(hashes[tlog.RecordProof](i.Path), size, root, i.Index, tlog.RecordHash(i.Entry.record())); err != nil {
			return fmt.Errorf("%w: the head does not cover the event: %w", ErrProof, err)
		}
	}
	c := p.Consistency
	if c == nil {
		return nil
	}
	switch {
	case earlier == nil:
		return fmt.Errorf("%w: the earlier head, of %d events, is missing", ErrProof, c.Events)
	case earlier.Events != c.Events || earlier.Position.Log != p.Head.Position.Log:
		return fmt.Errorf("%w: it is about another head than the earlier one", ErrProof)
	}
	if err := tlog.CheckTree(hashes[tlog.TreeProof](c.Path), size, root, c.Events, tlog.Hash(earlier.Tree)); err != nil {
		return fmt.Errorf("%w: the head does not go on from the earlier one: %w", ErrProof, err)
	}
	return nil
}

// Covers reports why the entry of a proof is not this event of the log.
func (i Inclusion) Covers(e events.Raw) error {
	if entryOf(e) != i.Entry {
		return fmt.Errorf("%w: %sis not the event that the head covers", ErrProof, nameOf(e))
	}
	return nil
}

// Prove makes a proof from the tree beside the heads at a path: that a head covers the event at a position, and goes on from
// the head at an earlier one; 0 leaves either out. It fails with ErrNoEntry where the head covers no such event.
func Prove(path string, head SignedHead, event, earlier events.Position) (p Proof, err error) {
	t, err := openTree(path, false)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	if has, err := t.size(); err != nil || has < head.Events {
		return p, errors.Join(err, fmt.Errorf("the tree has %d of %d events: it is made anew from the log", has, head.Events))
	}
	p = Proof{Format: FormatProof, Head: head}
	size, before := head.Events, SignedHead{Position: head.Position}
	if event != 0 {
		entry, n, err := t.find(event, head.Events)
		if err != nil {
			return p, err
		}
		path, err := tlog.ProveRecord(size, n, t)
		if err != nil {
			return p, err
		}
		p.Inclusion = &Inclusion{Entry: entry, Index: n, Path: hashes[[]Hash](path)}
	}
	if earlier != 0 {
		_, n, err := t.find(earlier, head.Events)
		if err != nil {
			return p, err
		}
		path, err := tlog.ProveTree(size, n+1, t)
		if err != nil {
			return p, err
		}
		root, err := tlog.TreeHash(n+1, t)
		if err != nil {
			return p, err
		}
		p.Consistency = &Consistency{Events: n + 1, Path: hashes[[]Hash](path)}
		before.Events, before.Tree = n+1, Hash(root)
	}
	return p, p.Check(&before) // of a tree that was damaged, no proof is given out
}

// hashes converts ours to those of package tlog, and back.
func hashes[To ~[]T, From ~[]F, T, F ~[tlog.HashSize]byte](from From) To {
	to := make(To, len(from))
	for i, h := range from {
		to[i] = T(h)
	}
	return to
}
