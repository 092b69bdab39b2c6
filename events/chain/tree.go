package chain

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sort"

	"golang.org/x/mod/sumdb/tlog"

	"annals/events"
)

// edge is the right edge of a Merkle tree (RFC 9162): the roots of the complete subtrees that it consists of, by their level.
type edge struct {
	size  int64
	roots [64]tlog.Hash
}

// add adds an entry, and returns the hashes that are complete with it: that of the entry, and of each subtree that ends there.
func (t *edge) add(e Entry) (complete []tlog.Hash) {
	h := tlog.RecordHash(e.record())
	complete = append(complete, h)
	level := 0
	for ; t.size>>level&1 == 1; level++ {
		h = tlog.NodeHash(t.roots[level], h)
		complete = append(complete, h)
	}
	t.roots[level] = h
	t.size++
	return complete
}

// root is the root of the tree.
func (t *edge) root() Hash {
	root, some := tlog.Hash(sha256.Sum256(nil)), false
	for level, h := range t.roots {
		switch {
		case t.size>>level&1 == 0:
		case some:
			root = tlog.NodeHash(h, root)
		default:
			root, some = h, true
		}
	}
	return Hash(root)
}

// treeFiles keeps a tree beside the heads in two files that only grow: the entries in the order of the log, and the hashes of
// complete subtrees in the order in which they are completed, which is where package tlog looks for them. A proof reads a number of
// them that grows with the logarithm of the log. The files hold nothing that the log does not: what is missing is made from it.
type treeFiles struct{ entries, nodes *os.File }

// openTree opens the files beside the heads at a path. Without them it makes them, where the tree is to be written.
func openTree(path string, write bool) (t treeFiles, err error) {
	how := os.O_RDONLY
	if write {
		how = os.O_RDWR | os.O_CREATE
	}
	if t.entries, err = os.OpenFile(path+".entries", how, 0o600); err != nil {
		return t, err
	}
	if t.nodes, err = os.OpenFile(path+".nodes", how, 0o600); err != nil {
		err = errors.Join(err, t.entries.Close())
	}
	return t, err
}

// Close closes the files.
func (t treeFiles) Close() error { return errors.Join(t.entries.Close(), t.nodes.Close()) }

// size is how many entries are there with all the hashes that they complete.
func (t treeFiles) size() (int64, error) {
	entries, err := t.entries.Stat()
	if err != nil {
		return 0, err
	}
	nodes, err := t.nodes.Stat()
	if err != nil {
		return 0, err
	}
	n, complete := entries.Size()/entrySize, nodes.Size()/tlog.HashSize
	fit := sort.Search(int(n), func(i int) bool { return tlog.StoredHashCount(int64(i)+1) > complete })
	return int64(fit), nil
}

// truncate cuts the tree to at most n entries, and returns its edge.
func (t treeFiles) truncate(n int64) (e edge, err error) {
	has, err := t.size()
	if err != nil {
		return e, err
	}
	n = min(n, has)
	if err := errors.Join(t.entries.Truncate(n*entrySize), t.nodes.Truncate(tlog.StoredHashCount(n)*tlog.HashSize)); err != nil {
		return e, err
	}
	e.size = n
	for level := range e.roots {
		if n>>level&1 == 0 {
			continue
		}
		h, err := t.ReadHashes([]int64{tlog.StoredHashIndex(level, n>>level-1)})
		if err != nil {
			return e, err
		}
		e.roots[level] = h[0]
	}
	return e, nil
}

// append writes entries, and hashes that they complete, behind a tree of n entries.
func (t treeFiles) append(n int64, entries, nodes []byte) error {
	_, err := t.entries.WriteAt(entries, n*entrySize)
	_, err2 := t.nodes.WriteAt(nodes, tlog.StoredHashCount(n)*tlog.HashSize)
	return errors.Join(err, err2)
}

// ReadHashes implements tlog.HashReader.
func (t treeFiles) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	all := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if _, err := t.nodes.ReadAt(all[i][:], index*tlog.HashSize); err != nil {
			return nil, fmt.Errorf("hash %d of the tree: %w", index, err)
		}
	}
	return all, nil
}

// entry reads an entry by its number.
func (t treeFiles) entry(n int64) (Entry, error) {
	b := make([]byte, entrySize)
	if _, err := t.entries.ReadAt(b, n*entrySize); err != nil {
		return Entry{}, fmt.Errorf("entry %d of the tree: %w", n, err)
	}
	return entryFrom(b), nil
}

// ErrNoEntry: a tree has no event at a position.
var ErrNoEntry = errors.New("the head covers no event at this position")

// find returns the entry at a position, and its number, among the first n.
func (t treeFiles) find(p events.Position, n int64) (e Entry, number int64, err error) {
	i := sort.Search(int(n), func(i int) bool {
		var found Entry
		if err == nil {
			found, err = t.entry(int64(i))
		}
		return found.Position >= p
	})
	if err == nil && int64(i) < n {
		e, err = t.entry(int64(i))
	}
	switch {
	case err != nil:
		return e, 0, err
	case e.Position != p || p == 0:
		return e, 0, fmt.Errorf("%w: %d", ErrNoEntry, p)
	}
	return e, int64(i), nil
}

// removeTree removes the files of a tree that is of no use.
func removeTree(path string) error {
	var all error
	for _, name := range []string{path + ".entries", path + ".nodes"} {
		if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
			all = errors.Join(all, err)
		}
	}
	return all
}
