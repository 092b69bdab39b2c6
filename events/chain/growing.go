package chain

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"

	"annals/events"
)

// growingTree is the tree of a HeadWriter. When a server starts, it is held against the chain, entry by entry; what a crash has cut
// off, or what a restored backup lacks, is made from the log. A log that does not have the events of the chain any more has no tree:
// its heads are not signed.
type growingTree struct {
	edge    edge
	ready   bool // the files are those of the chain
	made    bool // from the beginning, by this process
	refused bool
}

var errTree = errors.New("the log is not what was written down of it, so that its heads are not signed: run annals verify")

// growTree makes the tree reach as far as the heads do. What a context ends is resumed by the next call.
func (w *HeadWriter) growTree(ctx context.Context) error {
	if w.tree.ready || w.tree.refused {
		return nil
	}
	t, err := openTree(w.Path, true)
	if err != nil {
		return err
	}
	defer func() { _ = t.Close() }()
	e, err := t.truncate(w.events)
	if err == nil && e.size < w.events {
		w.tree.made = w.tree.made || e.size == 0
		e, err = w.addMissing(ctx, t, e)
	}
	if err != nil {
		return err
	}
	switch same, err := w.isChain(ctx, t, e); {
	case err != nil:
		return err
	case same:
		w.tree.edge, w.tree.ready = e, true
		return nil
	case w.tree.made:
		w.tree.refused = true
		return errors.Join(errTree, removeTree(w.Path))
	}
	if err := removeTree(w.Path); err != nil { // the files are damaged, or the log is
		return err
	}
	return w.growTree(ctx)
}

// addMissing adds what the log has behind a tree, up to the last head.
func (w *HeadWriter) addMissing(ctx context.Context, t treeFiles, e edge) (edge, error) {
	var last events.Position
	if e.size > 0 {
		entry, err := t.entry(e.size - 1)
		if err != nil {
			return e, err
		}
		last = entry.Position
	}
	to := &treeWriter{treeFiles: t, edge: e, written: e.size}
	for raw, err := range w.Log.Facts(ctx, last) {
		if err != nil {
			return e, errors.Join(err, to.flush())
		}
		if to.edge.size == w.events {
			break
		}
		if to.add(entryOf(raw)); to.edge.size-to.written == headEvents {
			if err := to.flush(); err != nil {
				return e, err
			}
		}
	}
	return to.edge, errors.Join(to.flush(), t.entries.Sync(), t.nodes.Sync())
}

// isChain reports whether the entries give the chain of the last head, and the hashes of the tree.
func (w *HeadWriter) isChain(ctx context.Context, t treeFiles, e edge) (bool, error) {
	entries := bufio.NewReaderSize(io.NewSectionReader(t.entries, 0, e.size*entrySize), 1<<16)
	nodes := bufio.NewReaderSize(io.NewSectionReader(t.nodes, 0, tlog.StoredHashCount(e.size)*tlog.HashSize), 1<<16)
	var chain Hash
	var again edge
	record, node := make([]byte, entrySize), make([]byte, tlog.HashSize)
	for again.size < e.size {
		if _, err := io.ReadFull(entries, record); err != nil {
			return false, err
		}
		entry := entryFrom(record)
		chain = chain.next(entry)
		for _, h := range again.add(entry) {
			if _, err := io.ReadFull(nodes, node); err != nil {
				return false, err
			}
			if tlog.Hash(node) != h {
				return false, nil
			}
		}
		if again.size%headEvents == 0 && errors.Is(ctx.Err(), context.Canceled) {
			return false, ctx.Err()
		}
	}
	return chain == w.chain && e.size == w.events, nil
}

// treeWriter adds to the files of a tree. A nil one adds nothing.
type treeWriter struct {
	treeFiles
	edge             edge
	written          int64 // entries
	added, completed []byte
}

// open opens the files to add to them. There is nothing to add to where the tree was refused.
func (g growingTree) open(path string) (*treeWriter, error) {
	if g.refused {
		return nil, nil
	}
	t, err := openTree(path, true)
	if err != nil {
		return nil, err
	}
	return &treeWriter{treeFiles: t, edge: g.edge, written: g.edge.size}, nil
}

func (t *treeWriter) add(e Entry) {
	if t == nil {
		return
	}
	t.added = append(t.added, e.record()...)
	for _, h := range t.edge.add(e) {
		t.completed = append(t.completed, h[:]...)
	}
}

// flush writes what was added. It fails where the files are shorter than they were left.
func (t *treeWriter) flush() error {
	if t == nil || len(t.added) == 0 {
		return nil
	}
	has, err := t.size()
	if err == nil && has < t.written {
		err = fmt.Errorf("the tree has %d of %d events: it is made anew from the log", has, t.written)
	}
	if err == nil {
		err = t.append(t.written, t.added, t.completed)
	}
	if err == nil {
		t.written, t.added, t.completed = t.edge.size, t.added[:0], t.completed[:0]
	}
	return err
}

// close closes the files, which are on disk then.
func (t *treeWriter) close() error {
	if t == nil {
		return nil
	}
	return errors.Join(t.entries.Sync(), t.nodes.Sync(), t.Close())
}
