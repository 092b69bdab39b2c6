package chain

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/google/uuid"

	"annals/events"
)

// What was found of a log that is not the one that was written down.
var (
	errShort = errors.New("the log ends before what was written down of it: run annals verify")
	errOther = errors.New("the log has another event than was written down of it: run annals verify")
)

// Log is the log that a chain covers.
type Log interface {
	Head(ctx context.Context) (events.Position, error)
	Facts(ctx context.Context, after events.Position) iter.Seq2[events.Raw, error] // without the store's own events
}

// HeadWriter writes the file of a log's heads, and the tree beside it: Resume reads how far the file reaches, Extend writes down
// what came after. It is for one goroutine.
type HeadWriter struct {
	Path string
	ID   uuid.UUID // of the log
	Log  Log
	Now  func() time.Time
	Key  ed25519.PrivateKey // that signs heads; nil: none does
	// Decided returns when an operator last decided to go on with the log as it is; nil: never.
	Decided func(context.Context) (time.Time, error)

	Last   events.Position
	chain  Hash
	leaf   []byte // of the event at Last
	events int64  // up to Last
	signed *SignedHead
	tree   growingTree
}

// Resume goes on where the file ends.
func (w *HeadWriter) Resume() error {
	heads, err := ReadHeads(w.Path, w.ID)
	w.Last, w.chain, w.leaf, w.events, w.signed, w.tree = 0, Hash{}, nil, 0, nil, growingTree{}
	for _, h := range heads {
		w.events += int64(h.Events)
	}
	if n := len(heads); err == nil && n > 0 {
		w.Last, w.leaf = heads[n-1].Position, lastLeaf(heads[n-1])
		w.chain, err = heads[n-1].chain()
	}
	return err
}

// Extend writes down what has come. The log may grow while it is looked at: it is short only if it ends before what was
// written down earlier.
func (w *HeadWriter) Extend(ctx context.Context) error {
	now, err := w.Log.Head(ctx)
	switch {
	case err != nil:
		return err
	case now < w.Last:
		return fmt.Errorf("%w: it ends at position %d, and had position %d", errShort, now, w.Last)
	}
	err = w.recognize(ctx)
	if err == nil {
		err = w.growTree(ctx)
	}
	if err != nil || now == w.Last {
		return err
	}
	return w.write(w.Log.Facts(ctx, w.Last))
}

// recognize fails where the event of the last head is not in the log: what comes after it does not belong to the chain.
func (w *HeadWriter) recognize(ctx context.Context) error {
	if w.Last == 0 {
		return nil
	}
	for e, err := range w.Log.Facts(ctx, w.Last-1) {
		if err != nil {
			return err
		}
		if d := digestOf(e); e.Position == w.Last && bytes.Equal(d[:leafSize], w.leaf) {
			return nil
		}
		break
	}
	return fmt.Errorf("%w: at position %d", errOther, w.Last)
}

func lastLeaf(h Head) []byte { return h.Leaves[len(h.Leaves)-leafSize:] }

// write writes heads for what came after the last one. The tree is on disk before the last of them.
func (w *HeadWriter) write(all iter.Seq2[events.Raw, error]) error {
	f, err := openHeads(w.Path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	tree, err := w.tree.open(w.Path)
	if err != nil {
		return err
	}
	err = w.writeHeads(f, tree, all)
	err = errors.Join(err, tree.close())
	if err != nil {
		w.tree.ready = false // the files may not be as they were left
	}
	return errors.Join(err, f.Sync())
}

func (w *HeadWriter) writeHeads(to io.Writer, tree *treeWriter, all iter.Seq2[events.Raw, error]) error {
	var h Head
	under := w.chain // of what is not written yet
	for e, err := range all {
		if err != nil {
			return err
		}
		entry := entryOf(e)
		tree.add(entry)
		if under = h.link(under, e.ID, entry); h.Events == headEvents {
			if err := w.writeHead(to, tree, h, under); err != nil {
				return err
			}
			h = Head{}
		}
	}
	if h.Events == 0 {
		return nil
	}
	return w.writeHead(to, tree, h, under)
}

// writeHead writes one head, the chain up to which is c.
func (w *HeadWriter) writeHead(to io.Writer, tree *treeWriter, h Head, c Hash) error {
	h.Log, h.Head, h.At = w.ID, hex.EncodeToString(c[:]), w.Now().UTC().Truncate(time.Millisecond)
	if err := tree.flush(); err != nil {
		return err
	}
	total := w.events + int64(h.Events)
	var grown edge
	var signed *SignedHead
	if tree != nil {
		grown = tree.edge
		signed = w.sign(h.Position, total, c, grown.root(), h.At)
	}
	if signed != nil {
		h.Signed = &Signature{Events: total, Tree: signed.Tree, PublicKey: signed.PublicKey, Signature: signed.Signature}
	}
	line, err := json.Marshal(h)
	if err == nil {
		_, err = to.Write(append(line, '\n'))
	}
	if err == nil {
		w.Last, w.chain, w.leaf, w.events, w.signed, w.tree.edge = h.Position, c, lastLeaf(h), total, signed, grown
	}
	return err
}

// sign signs a head; it returns nil where there is no key.
func (w *HeadWriter) sign(last events.Position, total int64, c, root Hash, at time.Time) *SignedHead {
	if w.Key == nil {
		return nil
	}
	h := &SignedHead{Position: events.Token{Log: w.ID, Position: last}, Events: total, Head: c, Tree: root, At: at}
	h.sign(w.Key)
	return h
}

// Signed returns what Extend has left, signed: also where its head was written without a key, or by another build. It returns nil
// where there is nothing to sign, or no key.
func (w *HeadWriter) Signed() *SignedHead {
	if w.signed == nil && w.tree.ready && w.Last > 0 {
		w.signed = w.sign(w.Last, w.events, w.chain, w.tree.edge.root(), w.Now().UTC().Truncate(time.Millisecond))
	}
	return w.signed
}
