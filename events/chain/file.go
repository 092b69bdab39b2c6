package chain

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	Signed    *Signature        `json:"signed,omitempty"` // older builds, and those that find no key, have not signed
}

// Signature is what a signed head has besides.
type Signature struct {
	Events    int64  `json:"events"` // all of them
	Tree      Hash   `json:"tree"`
	PublicKey string `json:"publicKey"`
	Signature string `json:"signature"`
}

// SignedHead is the head without what it knows of single events; ok reports whether it is signed.
func (h Head) SignedHead() (signed SignedHead, ok bool, err error) {
	if h.Signed == nil {
		return signed, false, nil
	}
	c, err := h.chain()
	return SignedHead{
		Format: FormatHead, Position: events.Token{Log: h.Log, Position: h.Position}, Events: h.Signed.Events, Head: c, Tree: h.Signed.Tree, At: h.At,
		PublicKey: h.Signed.PublicKey, Signature: h.Signed.Signature,
	}, true, err
}

func (h Head) chain() (c Hash, err error) {
	b, err := hex.DecodeString(h.Head)
	if err == nil && (len(b) != len(c) || len(h.Leaves) != leafSize*len(h.Positions)) {
		err = errors.New("the head is of the wrong size")
	}
	copy(c[:], b)
	return c, err
}

// Signed returns those of the heads that are signed.
func Signed(heads []Head) (signed []SignedHead, err error) {
	for _, head := range heads {
		h, ok, err := head.SignedHead()
		if err != nil {
			return nil, err
		}
		if ok {
			signed = append(signed, h)
		}
	}
	return signed, nil
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

// link adds an event to a head that is under way.
func (h *Head) link(c Hash, id uuid.UUID, e Entry) Hash {
	h.Position, h.Event, h.Events = e.Position, id, h.Events+1
	h.Positions, h.Leaves = append(h.Positions, e.Position), append(h.Leaves, e.Digest[:leafSize]...)
	return c.next(e)
}

// openHeads opens the file to append, without what a crash has cut off.
func openHeads(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	end, err := f.Seek(0, io.SeekEnd)
	size := end
	for ; err == nil && size > 0; size-- {
		var b [1]byte
		if _, err = f.ReadAt(b[:], size-1); bytes.Equal(b[:], []byte("\n")) {
			break
		}
	}
	if err == nil && size < end { // files that can only be appended to are not truncated for nothing
		err = f.Truncate(size)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
