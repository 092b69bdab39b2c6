package embedded

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Verified is what Verify has looked at.
type Verified struct {
	Events, Streams, Damages int
}

// Verify reads the whole log and holds index and states against it: every checksum, the order of positions and revisions,
// and that each leads to the other. Damages are told one by one, with what is damaged and where; the error is of what kept
// it from going on, such as a file that is missing or too short. While a node goes on, that is the log as it was at the beginning.
func (l Log) Verify(ctx context.Context, tell func(error)) (v Verified, err error) {
	s, dir, end, err := l.open(ctx)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, end()) }()
	c := &check{store: s, tell: tell, states: map[string]streamState{}}
	if b, err := s.get(importedKey); err != nil {
		c.damaged(err)
	} else if len(b) == 8 {
		c.imported = binary.BigEndian.Uint64(b)
	}
	if err := s.checkEnd(l.fs(), dir); err != nil {
		c.damaged(err)
	}
	c.log(ctx)
	c.index(ctx)
	c.stored(ctx)
	c.groups(ctx)
	return Verified{c.events, len(c.states), c.damages}, ctx.Err()
}

// check is a verification under way.
type check struct {
	store    *store
	tell     func(error)
	damages  int
	imported uint64
	head     uint64
	events   int
	states   map[string]streamState // as the log says
}

func (c *check) damaged(err error) {
	c.damages++
	c.tell(err)
}

// each goes over the keys of one space, until the context ends or the space cannot be read.
func (c *check) each(ctx context.Context, space byte, what string, f func(key, value []byte)) {
	it, err := c.store.db.NewIter(&pebble.IterOptions{LowerBound: []byte{space}, UpperBound: []byte{space + 1}})
	if err != nil {
		c.damaged(fmt.Errorf("%s: %w", what, err))
		return
	}
	var last []byte
	for ok := it.First(); ok && ctx.Err() == nil; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			c.damaged(fmt.Errorf("%s, key %q: %w", what, it.Key(), err))
			continue
		}
		last = append(last[:0], it.Key()...)
		f(it.Key()[1:], value)
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		c.damaged(fmt.Errorf("%s cannot be read on from key %q: %w", what, last, err))
	}
}

func (c *check) log(ctx context.Context) {
	c.each(ctx, logSpace, "the log", func(key, value []byte) {
		if len(key) != 8 {
			c.damaged(fmt.Errorf("%w: key %q of the log is no position", errCorrupt, key))
			return
		}
		r, err := decodeRecord(binary.BigEndian.Uint64(key), slices.Clone(value))
		if err != nil {
			c.head = binary.BigEndian.Uint64(key)
			c.damaged(err)
			return
		}
		c.record(r)
	})
}

// record holds one event against those before it and against the index.
func (c *check) record(r *record) {
	c.events++
	st, ok := c.states[r.Stream]
	if !ok {
		st = newStreamState(r.Stream)
	}
	if r.Position > c.imported {
		if r.Position != c.head+1 {
			c.damaged(fmt.Errorf("%w: the log has no event between positions %d and %d", errCorrupt, c.head, r.Position))
		}
		if r.Revision != st.Last+1 && r.Revision != tombstoneRevision {
			c.damaged(fmt.Errorf("%w at position %d: revision %d of stream %q follows %d", errCorrupt, r.Position, r.Revision, r.Stream, st.Last))
		}
	}
	c.head = r.Position
	st.add(r)
	c.states[r.Stream] = st
	if isMetastream(r.Stream) && r.Revision != tombstoneRevision {
		name := originalOf(r.Stream)
		original, ok := c.states[name]
		if !ok {
			original = newStreamState(name)
		}
		original.limit(r)
		c.states[name] = original
	}
	if err := c.store.indexed(st, r); err != nil {
		c.damaged(err)
	}
}

// index finds the entries that lead nowhere: those of the events were looked up already.
func (c *check) index(ctx context.Context) {
	entries := 0
	c.each(ctx, indexSpace, "the index", func(_, value []byte) {
		entries++
		if len(value) != 8 {
			c.damaged(fmt.Errorf("%w: an index entry has %d bytes", errCorrupt, len(value)))
			return
		}
		if p := binary.BigEndian.Uint64(value); p == 0 || p > c.head {
			c.damaged(fmt.Errorf("%w: an index entry leads to position %d, and the log ends at %d", errCorrupt, p, c.head))
		}
	})
	if entries != c.events && ctx.Err() == nil {
		c.damaged(fmt.Errorf("%w: the index has %d entries for %d readable events", errCorrupt, entries, c.events))
	}
}

// stored holds the states of the streams against those that the log says.
func (c *check) stored(ctx context.Context) {
	left := maps.Clone(c.states)
	c.each(ctx, stateSpace, "the states of the streams", func(key, value []byte) {
		name := string(key)
		delete(left, name)
		want, known := c.states[name]
		got, err := decodeStreamState(name, value)
		switch {
		case err != nil:
			c.damaged(err)
		case !known:
			c.damaged(fmt.Errorf("%w: stream %q has a state but no event", errCorrupt, name))
		case got != want:
			c.damaged(fmt.Errorf("%w: the state of stream %q is %+v, but its events say %+v", errCorrupt, name, got, want))
		}
	})
	for _, name := range slices.Sorted(maps.Keys(left)) {
		c.damaged(fmt.Errorf("%w: the state of stream %q is missing", errCorrupt, name))
	}
}

func (c *check) groups(ctx context.Context) {
	c.each(ctx, groupSpace, "the persistent subscriptions", func(key, value []byte) {
		var g groupConfig
		if err := json.Unmarshal(value, &g); err != nil {
			c.damaged(fmt.Errorf("%w: persistent subscription %q: %w", errCorrupt, key, err))
		}
	})
}
