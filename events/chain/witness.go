package chain

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"annals/events"
)

// Witness holds a log, from its beginning, against signed heads that were kept elsewhere: each has to be what the log is up to its
// position. Nothing beside the log is believed, so that it does not help to rewrite the heads there, or the tree.
type Witness struct {
	tell    func(string)
	heads   []SignedHead    // that were not reached yet
	trusted map[string]bool // keys
	vouched []string        // keys of roots found since the last head of a trusted key

	log    uuid.UUID
	chain  Hash
	tree   edge
	last   events.Position
	older  bool // heads may lie beyond the end
	broken bool
	held   SignedHead // the last head that holds
}

// NewWitness makes a witness that tells its findings. Keys are those that are trusted; without any, that of the earliest head is. A head
// of another key counts only where a head of a trusted one covers the fact that the server has found this key (TeeRootFound).
func NewWitness(heads []SignedHead, keys []string, tell func(string)) *Witness {
	w := &Witness{tell: tell, heads: slices.Clone(heads), trusted: map[string]bool{}}
	slices.SortStableFunc(w.heads, func(x, y SignedHead) int { return cmp.Compare(x.Position.Position, y.Position.Position) })
	if len(keys) == 0 && len(w.heads) > 0 {
		keys = []string{w.heads[0].PublicKey}
	}
	for _, k := range keys {
		w.trusted[k] = true
	}
	return w
}

// Event takes the next event of the log.
func (w *Witness) Event(e events.Raw) { w.event(e, entryOf(e)) }

func (w *Witness) event(e events.Raw, entry Entry) {
	w.reach(e.Position)
	switch e.Type {
	case (events.LogOpened{}).EventType():
		var f events.LogOpened
		_ = json.Unmarshal(e.Data, &f) // what cannot be read is another log
		w.log = f.LogID
	case (events.TeeRootFound{}).EventType():
		var f events.TeeRootFound
		_ = json.Unmarshal(e.Data, &f) // what cannot be read vouches for nothing
		w.vouched = append(w.vouched, f.PublicKey)
	}
	w.chain, w.last = w.chain.next(entry), e.Position
	w.tree.add(entry)
}

// End tells what the log should still have had, and returns the last head that holds; ok reports whether there is one.
func (w *Witness) End() (held SignedHead, ok bool) {
	w.reach(w.last + 1)
	if len(w.heads) > 0 && !w.older {
		h := w.heads[0]
		w.tell(fmt.Sprintf("the log ends at position %d, before the head at position %d, which was signed %s: it was cut off, or is an older copy",
			w.last, h.Position.Position, h.At.Format(time.RFC3339)))
	}
	return w.held, w.held.Format != ""
}

// reach holds the events so far against the heads before a position.
func (w *Witness) reach(p events.Position) {
	for len(w.heads) > 0 && w.heads[0].Position.Position < p {
		h := w.heads[0]
		w.heads = w.heads[1:]
		w.look(h)
	}
}

func (w *Witness) look(h SignedHead) {
	at := fmt.Sprintf("the head at position %d, signed %s, ", h.Position.Position, h.At.Format(time.RFC3339))
	if err := h.Check(); err != nil {
		w.tell(err.Error())
		return
	}
	switch {
	case h.Position.Log != w.log:
		w.tell(at + fmt.Sprintf("is of log %s, and this is log %s", h.Position.Log, w.log))
	case !w.trusted[h.PublicKey]:
		w.tell(at + fmt.Sprintf("has the key %s, for which neither the command line nor a head before it vouches", h.PublicKey))
	case w.broken: // what comes later does not hold either
	case h.Position.Position != w.last || h.Events != w.tree.size || h.Head != w.chain || h.Tree != w.tree.root():
		w.broken = true
		from := "the beginning"
		if w.held.Format != "" {
			from = fmt.Sprintf("position %d", w.held.Position.Position)
		}
		w.tell(at + fmt.Sprintf("does not hold: what was recorded between %s and there was changed, removed, inserted or moved", from))
	default:
		w.held = h
		for _, key := range w.vouched {
			w.trusted[key] = true
		}
		w.vouched = nil
	}
}
