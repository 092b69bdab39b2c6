package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/events/esdb"
)

// Heads of the chain over the log are written outside of it: one line of JSON for every headEvents events, or for what came
// within headEvery. A copy of the file, kept elsewhere, shows whether anything up to its last head was tampered with.
const (
	headEvents = 1000
	headEvery  = 10 * time.Second
)

// leafSize is how much of an event's digest a head remembers, in bytes: enough to say which event is not as it was. What
// makes tampering evident is the head itself.
const leafSize = 8

// head is the chain up to a position.
type head struct {
	Log      uuid.UUID       `json:"log"`
	Position events.Position `json:"position"`
	Events   int             `json:"events"` // since the head before
	Head     string          `json:"head"`
	At       time.Time       `json:"at"`
	// Positions and Leaves are those of the events since the head before.
	Positions []events.Position `json:"positions"`
	Leaves    []byte            `json:"leaves"`
}

func (h head) chain() (c events.Chain, err error) {
	b, err := hex.DecodeString(h.Head)
	if err == nil && (len(b) != len(c) || len(h.Leaves) != leafSize*len(h.Positions)) {
		err = errors.New("the head is of the wrong size")
	}
	copy(c[:], b)
	return c, err
}

// readHeads reads the heads of a log. A last line that a crash has cut off is left out.
func readHeads(path string, log uuid.UUID) (all []head, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	in := bufio.NewReaderSize(f, 1<<16)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		var h head
		if err := json.Unmarshal(line, &h); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, n, err)
		}
		if _, err := h.chain(); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, n, err)
		}
		if h.Log == log {
			all = append(all, h)
		}
	}
}

// link adds events to a head that is under way.
func (h *head) link(c events.Chain, e events.Raw) events.Chain {
	d := e.Digest()
	h.Position, h.Events = e.Position, h.Events+1
	h.Positions, h.Leaves = append(h.Positions, e.Position), append(h.Leaves, d[:leafSize]...)
	return c.Next(e, d)
}

// extendHeads writes heads for what came after the last one, and gives the new last position.
func extendHeads(path string, log uuid.UUID, last events.Position, c events.Chain, all iter.Seq2[events.Raw, error]) (events.Position, events.Chain, error) {
	f, err := openHeads(path)
	if err != nil {
		return last, c, err
	}
	defer func() { _ = f.Close() }()
	var h head
	under := c // of what is not written yet
	write := func() error {
		if h.Events == 0 {
			return nil
		}
		h.Log, h.Head, h.At = log, hex.EncodeToString(under[:]), time.Now().UTC()
		line, err := json.Marshal(h)
		if err == nil {
			_, err = f.Write(append(line, '\n'))
		}
		if err == nil {
			last, c, h = h.Position, under, head{}
		}
		return err
	}
	for e, err := range all {
		if err != nil {
			return last, c, err
		}
		if under = h.link(under, e); h.Events == headEvents {
			if err := write(); err != nil {
				return last, c, err
			}
		}
	}
	err = errors.Join(write(), f.Sync())
	return last, c, err
}

// openHeads opens the file to append, without what a crash has cut off.
func openHeads(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	size, err := f.Seek(0, io.SeekEnd)
	for ; err == nil && size > 0; size-- {
		var b [1]byte
		if _, err = f.ReadAt(b[:], size-1); bytes.Equal(b[:], []byte("\n")) {
			break
		}
	}
	if err == nil {
		err = f.Truncate(size)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// ours leaves out the store's own events.
func ours(all iter.Seq2[esdb.Logged, error]) iter.Seq2[events.Raw, error] {
	return func(yield func(events.Raw, error) bool) {
		for e, err := range all {
			if (err != nil || e.Type[0] != '$') && !yield(e.Raw, err) {
				return
			}
		}
	}
}

// chainIn is where a data folder has the heads.
func chainIn(dir string) string { return filepath.Join(dir, "chain") }

// errShort is what the end of the log was found to lack.
var errShort = errors.New("the log ends before what was written down of it: run annals verify")

// chained is a log with the file of its heads, and how far these reach.
type chained struct {
	path  string
	log   uuid.UUID
	head  func(context.Context) (events.Position, error)
	after func(context.Context, events.Position) iter.Seq2[esdb.Logged, error]

	last  events.Position
	chain events.Chain
}

// resume goes on where the file ends.
func (c *chained) resume() error {
	heads, err := readHeads(c.path, c.log)
	if n := len(heads); err == nil && n > 0 {
		c.last = heads[n-1].Position
		c.chain, err = heads[n-1].chain()
	}
	return err
}

// extend writes down what has come. The log may grow while it is looked at: it is short only if it ends before what was
// written down earlier.
func (c *chained) extend(ctx context.Context) error {
	now, err := c.head(ctx)
	switch {
	case err != nil:
		return err
	case now < c.last:
		return fmt.Errorf("%w: it ends at position %d, and had position %d", errShort, now, c.last)
	case now == c.last:
		return nil
	}
	c.last, c.chain, err = extendHeads(c.path, c.log, c.last, c.chain, ours(c.after(ctx, c.last)))
	return err
}

// keepHeads writes heads while the server runs, and once more at its end.
func keepHeads(path string, log uuid.UUID, store *esdb.Store, logger *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		c := chained{path: path, log: log, head: store.Head, after: store.Everything}
		if err := c.resume(); err != nil {
			return fmt.Errorf("heads of the chain: %w", err)
		}
		for ended := false; !ended; {
			select {
			case <-ctx.Done():
				ended = true
			case <-time.After(headEvery):
			}
			until, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
			err := c.extend(until)
			cancel()
			switch {
			case errors.Is(err, errShort):
				logger.Error("tampered with", "error", err)
			case err != nil:
				logger.Warn("the chain over the log is not written down", "error", err)
			}
		}
		return nil
	}
}
