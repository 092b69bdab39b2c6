package chain

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
	"time"

	"github.com/google/uuid"

	"annals/events"
)

// Heads of the chain over the log are written outside of it: one line of JSON for every headEvents events, or for what came
// within headEvery. A copy of the file, kept elsewhere, shows whether anything up to its last head was tampered with.
const (
	headEvents = 1000
	headEvery  = 10 * time.Second
	// headLimit bounds the writing of heads; it runs on for so long when a server stops.
	headLimit = 10 * time.Second
)

// leafSize is how much of an event's digest a head remembers, in bytes: enough to say which event is not as it was. What
// makes tampering evident is the head itself.
const leafSize = 8

// Head is the chain up to a position.
type Head struct {
	Log      uuid.UUID       `json:"log"`
	Position events.Position `json:"position"`
	Event    uuid.UUID       `json:"event,omitzero"` // at the position; older builds have not written it down
	Events   int             `json:"events"`         // since the head before
	Head     string          `json:"head"`
	At       time.Time       `json:"at"`
	// Positions and Leaves are those of the events since the head before.
	Positions []events.Position `json:"positions"`
	Leaves    []byte            `json:"leaves"`
}

func (h Head) chain() (c Hash, err error) {
	b, err := hex.DecodeString(h.Head)
	if err == nil && (len(b) != len(c) || len(h.Leaves) != leafSize*len(h.Positions)) {
		err = errors.New("the head is of the wrong size")
	}
	copy(c[:], b)
	return c, err
}

// ReadHeads reads the heads of a log. A last line that a crash has cut off is left out.
func ReadHeads(path string, log uuid.UUID) (all []Head, err error) {
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
		var h Head
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

// LastMark returns the event at the last head in a file, of whichever log; a zero one where there is none.
func LastMark(path string) (events.Mark, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return events.Mark{}, nil
	}
	if err != nil {
		return events.Mark{}, err
	}
	defer func() { _ = f.Close() }()
	var last []byte
	for in := bufio.NewReaderSize(f, 1<<16); ; {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) { // what follows the last line was cut off by a crash
			break
		}
		if err != nil {
			return events.Mark{}, err
		}
		last = line
	}
	if last == nil {
		return events.Mark{}, nil
	}
	var h Head
	if err := json.Unmarshal(last, &h); err != nil {
		return events.Mark{}, fmt.Errorf("%s, last line: %w", path, err)
	}
	return events.Mark{Log: h.Log, Position: h.Position, Event: h.Event}, nil
}

// link adds events to a head that is under way.
func (h *Head) link(c Hash, e events.Raw) Hash {
	d := digestOf(e)
	h.Position, h.Event, h.Events = e.Position, e.ID, h.Events+1
	h.Positions, h.Leaves = append(h.Positions, e.Position), append(h.Leaves, d[:leafSize]...)
	return c.next(e, d)
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

// HeadWriter keeps the file of a log's heads: Resume reads how far it reaches, Extend and Keep write down what came after.
type HeadWriter struct {
	Path string
	ID   uuid.UUID // of the log
	Log  Log
	Now  func() time.Time
	// Decided returns when an operator last decided to go on with the log as it is; nil: never.
	Decided func(context.Context) (time.Time, error)

	Last  events.Position
	chain Hash
	leaf  []byte // of the event at Last
}

// Resume goes on where the file ends.
func (w *HeadWriter) Resume() error {
	heads, err := ReadHeads(w.Path, w.ID)
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
	if err := w.recognize(ctx); err != nil || now == w.Last {
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

// write writes heads for what came after the last one.
func (w *HeadWriter) write(all iter.Seq2[events.Raw, error]) error {
	f, err := openHeads(w.Path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	var h Head
	under := w.chain // of what is not written yet
	for e, err := range all {
		if err != nil {
			return err
		}
		if under = h.link(under, e); h.Events == headEvents {
			if err := w.writeHead(f, h, under); err != nil {
				return err
			}
			h = Head{}
		}
	}
	if h.Events > 0 {
		err = w.writeHead(f, h, under)
	}
	return errors.Join(err, f.Sync())
}

// writeHead writes one head, the chain up to which is c.
func (w *HeadWriter) writeHead(to io.Writer, h Head, c Hash) error {
	h.Log, h.Head, h.At = w.ID, hex.EncodeToString(c[:]), w.Now().UTC()
	line, err := json.Marshal(h)
	if err == nil {
		_, err = to.Write(append(line, '\n'))
	}
	if err == nil {
		w.Last, w.chain, w.leaf = h.Position, c, lastLeaf(h)
	}
	return err
}

// extendDecided extends the file, or begins it anew where an operator has decided to go on with another log than it covers.
func (w *HeadWriter) extendDecided(ctx context.Context, logger *slog.Logger) error {
	err := w.Extend(ctx)
	if !errors.Is(err, errShort) && !errors.Is(err, errOther) {
		return err
	}
	aside, asideErr := w.setAside(ctx)
	if aside == "" || asideErr != nil {
		return errors.Join(err, asideErr)
	}
	logger.Warn("the chain of the log before the operator's decision was set aside", "file", aside)
	return w.Extend(ctx)
}

// Keep writes heads until ctx ends, and once more then.
func (w *HeadWriter) Keep(ctx context.Context, logger *slog.Logger) error {
	if err := w.Resume(); err != nil {
		return fmt.Errorf("heads of the chain: %w", err)
	}
	for ended := false; !ended; {
		select {
		case <-ctx.Done():
			ended = true
		case <-time.After(headEvery):
		}
		until, cancel := context.WithTimeout(context.WithoutCancel(ctx), headLimit)
		err := w.extendDecided(until, logger)
		cancel()
		switch {
		case errors.Is(err, errShort), errors.Is(err, errOther):
			logger.Error("tampered with", "error", err)
		case err != nil:
			logger.Warn("the chain over the log is not written down", "error", err)
		}
	}
	return nil
}
