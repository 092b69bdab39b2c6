package events

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
)

// Erasure is one destruction of a subject's key, as the log has it.
type Erasure struct {
	// Key is the check value of the key; it is empty where that was not recorded.
	Key string
	// Position is where the log says so. Whatever the subject said before is erased, under whichever key.
	Position Position
}

func (e Erasure) covers(under keyID, at Position) bool {
	return e.Key == under.String() || at <= e.Position && e.Position > 0
}

// FindErasures reads the erasures of a subject from the log.
type FindErasures func(ctx context.Context, subject uuid.UUID) ([]Erasure, error)

// erasures tells which keys were destroyed on purpose. What it has read it keeps, since erasures are never taken back.
type erasures struct {
	known  *lru.Cache[uuid.UUID, []Erasure]
	adding sync.Mutex
	find   atomic.Pointer[FindErasures]
}

// FindErasures says where the codec finds the erasures of the log. Without it, only those of this process are known.
func (c *Codec) FindErasures(find FindErasures) { c.seals.erased.find.Store(&find) }

func (x *erasures) add(subject uuid.UUID, e Erasure) {
	x.adding.Lock()
	defer x.adding.Unlock()
	all, _ := x.known.Get(subject)
	if !slices.Contains(all, e) {
		x.known.Add(subject, append(slices.Clone(all), e))
	}
}

// knows reports whether this very key is known to be destroyed, without a look at the log.
func (x *erasures) knows(subject uuid.UUID, key keyID) bool {
	all, _ := x.known.Get(subject)
	return slices.ContainsFunc(all, func(e Erasure) bool { return e.Key == key.String() })
}

// cover reports whether the log says that what was sealed under a key, at a position, was erased.
func (x *erasures) cover(ctx context.Context, subject uuid.UUID, under keyID, at Position) (bool, error) {
	return x.any(ctx, subject, func(e Erasure) bool { return e.covers(under, at) })
}

// after reports whether the log says that the subject was erased after a position.
func (x *erasures) after(ctx context.Context, subject uuid.UUID, at Position) (bool, error) {
	return x.any(ctx, subject, func(e Erasure) bool { return e.Position > at })
}

// any reports whether an erasure of the subject fits, be it known or in the log.
func (x *erasures) any(ctx context.Context, subject uuid.UUID, fits func(Erasure) bool) (bool, error) {
	if all, _ := x.known.Get(subject); slices.ContainsFunc(all, fits) {
		return true, nil
	}
	find := x.find.Load()
	if find == nil {
		return false, nil
	}
	all, err := (*find)(ctx, subject)
	if err != nil {
		return false, fmt.Errorf("%w: whether subject %s was erased: %w", ErrKeysUnreachable, subject, err)
	}
	for _, e := range all {
		x.add(subject, e)
	}
	return slices.ContainsFunc(all, fits), nil
}

// LostKey is a key that seals something in the log, is not among the keys, and was not destroyed on purpose.
type LostKey struct {
	Subject  uuid.UUID
	Key      string   // its check value
	Position Position // of something that it seals
}

const (
	// lostKept bounds the lost keys that are kept in memory.
	lostKept = 1000
	// recheckEvery bounds how often writes look whether the keys are back.
	recheckEvery = time.Second
)

// lostKeys are those that were met while decoding. None is forgotten before it is back, or given up.
type lostKeys struct {
	count   atomic.Int32
	mu      sync.Mutex
	met     []LostKey // at most lostKept
	more    bool      // there were others
	checked time.Time
}

func (l *lostKeys) any() bool { return l.count.Load() > 0 }

func (l *lostKeys) of(subject uuid.UUID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.met, func(k LostKey) bool { return k.Subject == subject })
}

func (l *lostKeys) add(k LostKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.met, func(m LostKey) bool { return m.Subject == k.Subject && m.Key == k.Key })
	switch {
	case i >= 0:
		l.met[i].Position = max(l.met[i].Position, k.Position)
	case len(l.met) == lostKept:
		l.more = true
	default:
		l.met = append(l.met, k)
		l.count.Store(int32(len(l.met)))
	}
}

func (l *lostKeys) list() (all []LostKey, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.met), l.more
}

func (l *lostKeys) remove(k LostKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.met = slices.DeleteFunc(l.met, func(m LostKey) bool { return m == k })
	l.count.Store(int32(len(l.met)))
}

// due reports whether the keys have not been looked for lately.
func (l *lostKeys) due() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.checked) < recheckEvery {
		return false
	}
	l.checked = time.Now()
	return true
}

// recheckNow looks for the lost keys again, unless that was done lately.
func (s *seals) recheckNow(ctx context.Context) error {
	if !s.lost.due() {
		return nil
	}
	return s.recheck(ctx)
}

// recheck forgets the lost keys that are back, and those that were given up.
func (s *seals) recheck(ctx context.Context) error {
	all, _ := s.lost.list()
	for _, l := range all {
		key, err := s.keys.Key(ctx, l.Subject, false)
		if err != nil {
			return fmt.Errorf("%w: subject %s: %w", ErrKeysUnreachable, l.Subject, err)
		}
		back := key != nil && idOf(key).String() == l.Key
		if !back {
			if back, err = s.erased.cover(ctx, l.Subject, l.id(), l.Position); err != nil {
				return err
			}
		}
		if back {
			s.ready.Remove(l.Subject) // another key may have stood in for it
			s.lost.remove(l)
		}
	}
	return nil
}

func (l LostKey) id() (id keyID) {
	_, _ = hex.Decode(id[:], []byte(l.Key)) // it came from an id
	return id
}

// CheckKeys looks whether the keys that are in memory are still kept, so that Lost knows of those that are not before something is sealed
// or read under them.
func (c *Codec) CheckKeys(ctx context.Context) error {
	for _, subject := range c.seals.ready.Keys() {
		if err := c.seals.current(ctx, subject); err != nil && !errors.Is(err, ErrKeysLost) {
			return err
		}
	}
	return nil
}

// Lost returns the keys that were found lost while decoding, and are still; more reports that there were others, which are
// found by decoding again.
func (c *Codec) Lost(ctx context.Context) (all []LostKey, more bool, err error) {
	if err := c.seals.recheck(ctx); err != nil {
		return nil, false, err
	}
	all, more = c.seals.lost.list()
	return all, more, nil
}
