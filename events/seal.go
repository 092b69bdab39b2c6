package events

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
)

// Keys keeps one key of 32 bytes for each subject. Destroying it erases what the subject's events say in text.
type Keys interface {
	// Key gives the subject's key, or nil when there is none. With create a missing key is made, and durable before
	// Key returns.
	Key(ctx context.Context, subject uuid.UUID, create bool) ([]byte, error)
	// Stamp changes when the place where the subject's key is kept has changed, so that Key may give another one, or none. It
	// is asked for at each sealing and is quick.
	Stamp(subject uuid.UUID) (Stamp, error)
	// Destroy removes the key for good. Destroying a key that is not there succeeds.
	Destroy(ctx context.Context, subject uuid.UUID) error
}

// Stamp identifies a state of where a key is kept. Two that are equal are of the same state.
type Stamp struct{ ID, At int64 }

var (
	// ErrKeysUnreachable: the keys could not be read; trying again may help.
	ErrKeysUnreachable = errors.New("the keys cannot be read")
	// ErrErased: the fact repeats what a subject said before it was erased.
	ErrErased = errors.New("what was said is erased")
	// ErrKeysLost: nothing is sealed under a new key as long as keys are missing that nobody destroyed. An operator restores
	// them, or gives them up.
	ErrKeysLost = errors.New("keys of the log are lost")
)

const (
	sealVersion = 1
	keyIDSize   = 4
	nonceSize   = 12
	tagSize     = 16
	// sealCache bounds the ciphers kept ready; one takes about 500 bytes.
	sealCache = 16384
)

// seals seals and opens with AES-256-GCM. What it writes is: version, key id, nonce, ciphertext with tag. The event's id
// is authenticated with it, so that sealed text cannot be moved to another event.
type seals struct {
	keys  Keys
	ready *lru.Cache[uuid.UUID, sealer]
	// erasing keeps a key that is being looked up from entering ready after its destruction.
	erasing sync.RWMutex
	erased  erasures
	lost    lostKeys
}

// keyID is a check value of a key: the beginning of its hash. It stands in front of everything that the key seals.
type keyID [keyIDSize]byte

// String is the form in which SubjectErased names a key.
func (k keyID) String() string { return hex.EncodeToString(k[:]) }

func idOf(key []byte) keyID {
	sum := sha256.Sum256(key)
	return keyID(sum[:])
}

type sealer struct {
	id    keyID
	aead  cipher.AEAD
	mac   [sha256.Size]byte // the key of MAC
	stamp Stamp             // of where the key was when it was read
	// since is a position at which the key was in use, 0 where none is known.
	since *atomic.Uint64
}

// usedAt notes that the key was in use at a position.
func (k sealer) usedAt(p Position) {
	for p > 0 {
		since := k.since.Load()
		if since != 0 && since <= uint64(p) || k.since.CompareAndSwap(since, uint64(p)) {
			return
		}
	}
}

func newSeals(keys Keys) *seals {
	return &seals{keys: keys, ready: newCache[sealer](), erased: erasures{known: newCache[[]Erasure]()}}
}

func newCache[V any]() *lru.Cache[uuid.UUID, V] {
	cache, err := lru.New[uuid.UUID, V](sealCache)
	if err != nil {
		panic(err) // only for a size below one
	}
	return cache
}

func (s *seals) sealer(ctx context.Context, subject uuid.UUID, create bool) (sealer, bool, error) {
	if ready, ok := s.ready.Get(subject); ok {
		return ready, true, nil
	}
	s.erasing.RLock()
	defer s.erasing.RUnlock()
	key, stamp, err := s.read(ctx, subject, create)
	if err != nil {
		return sealer{}, false, fmt.Errorf("%w: subject %s: %w", ErrKeysUnreachable, subject, err)
	}
	if key == nil {
		return sealer{}, false, nil
	}
	if s.erased.knows(subject, idOf(key)) { // it is about to be destroyed
		if create {
			return sealer{}, false, fmt.Errorf("%w: subject %s is being erased", ErrKeysUnreachable, subject)
		}
		return sealer{}, false, nil
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, false, fmt.Errorf("key of subject %s: %w", subject, err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return sealer{}, false, fmt.Errorf("key of subject %s: %w", subject, err)
	}
	made := sealer{id: idOf(key), aead: aead, mac: [sha256.Size]byte(keyedHash(key, []byte("annals: key of hashes"))), stamp: stamp, since: new(atomic.Uint64)}
	s.ready.Add(subject, made)
	return made, true, nil
}

// read returns the key and the state of where it is kept, which has not changed meanwhile.
func (s *seals) read(ctx context.Context, subject uuid.UUID, create bool) (key []byte, stamp Stamp, err error) {
	before, err := s.keys.Stamp(subject)
	for err == nil {
		if key, err = s.keys.Key(ctx, subject, create); err != nil {
			break
		}
		stamp, err = s.keys.Stamp(subject)
		if err != nil || stamp == before {
			break
		}
		before = stamp
	}
	return key, stamp, err
}

// current fails with ErrKeysLost where a key is in memory that is not kept any more, since the keys were set back to an older
// copy: what it would seal now could not be read after a restart.
func (s *seals) current(ctx context.Context, subject uuid.UUID) error {
	s.erasing.RLock()
	defer s.erasing.RUnlock()
	ready, ok := s.ready.Get(subject)
	if !ok {
		return nil
	}
	stamp, err := s.keys.Stamp(subject)
	if err == nil && stamp == ready.stamp {
		return nil
	}
	var key []byte
	if err == nil {
		key, stamp, err = s.read(ctx, subject, false)
	}
	if err != nil {
		return fmt.Errorf("%w: subject %s: %w", ErrKeysUnreachable, subject, err)
	}
	if key != nil && idOf(key) == ready.id {
		ready.stamp = stamp
		s.ready.Add(subject, ready)
		return nil
	}
	if covered, err := s.erased.cover(ctx, subject, ready.id, 0); err != nil {
		return err
	} else if covered {
		s.ready.Remove(subject)
		return nil
	}
	s.lost.add(LostKey{Subject: subject, Key: ready.id.String()})
	return fmt.Errorf("%w: that of subject %s is in memory alone", ErrKeysLost, subject)
}

// sealedSize is the length of a text once it is sealed.
func sealedSize(text []byte) int { return 1 + keyIDSize + nonceSize + len(text) + tagSize }

// seal seals a text, which repeats what was said up to a position (see Proposed).
func (s *seals) seal(ctx context.Context, subject, event uuid.UUID, text []byte, repeats Position) ([]byte, error) {
	k, err := s.sealing(ctx, subject)
	if err != nil {
		return nil, err
	}
	if err := s.unerased(ctx, subject, k, repeats); err != nil {
		return nil, err
	}
	out := make([]byte, 1+keyIDSize+nonceSize, sealedSize(text))
	out[0] = sealVersion
	copy(out[1:], k.id[:])
	nonce := out[1+keyIDSize:]
	_, _ = rand.Read(nonce) // never fails, see crypto/rand
	return k.aead.Seal(out, nonce, text, event[:]), nil
}

// unerased fails with ErrErased where the subject was erased after a position and k is the key that it got then. An erasure is in the
// log before its key is destroyed, and another key is made after that: so the log is read when the key is there. A key that was in
// use at the position needs no look.
func (s *seals) unerased(ctx context.Context, subject uuid.UUID, k sealer, since Position) error {
	if used := k.since.Load(); since == 0 || used != 0 && used <= uint64(since) {
		return nil
	}
	erased, err := s.erased.after(ctx, subject, since)
	switch {
	case err != nil:
		return err
	case erased:
		return fmt.Errorf("subject %s: %w", subject, ErrErased)
	}
	k.usedAt(since)
	return nil
}

// sealing returns the key to seal under, and makes it where the subject has none. While keys are lost it makes none, since the
// subject may be one of those that had a key, and seals nothing for a subject that has lost one.
func (s *seals) sealing(ctx context.Context, subject uuid.UUID) (sealer, error) {
	create := true
	if s.lost.any() {
		if err := s.recheckNow(ctx); err != nil {
			return sealer{}, err
		}
		if s.lost.of(subject) {
			return sealer{}, fmt.Errorf("%w: that of subject %s is", ErrKeysLost, subject)
		}
		create = !s.lost.any()
	}
	if err := s.current(ctx, subject); err != nil {
		return sealer{}, err
	}
	k, ok, err := s.sealer(ctx, subject, create)
	switch {
	case err != nil:
		return sealer{}, err
	case !ok && !create:
		return sealer{}, fmt.Errorf("%w: subject %s has none", ErrKeysLost, subject)
	case !ok:
		return sealer{}, fmt.Errorf("%w: subject %s: no key was made", ErrKeysUnreachable, subject)
	}
	return k, nil
}

// Why a text cannot be read.
const (
	legible = iota
	erased  // its key was destroyed on purpose, which the log says
	lost    // its key is not there, and the log does not say that it was destroyed
)

// open returns a text, or why there is none. The error is for keys and erasures that cannot be read now, and for broken seals.
func (s *seals) open(ctx context.Context, subject uuid.UUID, e Raw, sealed []byte) (text []byte, missing int, err error) {
	if len(sealed) < 1+keyIDSize+nonceSize || sealed[0] != sealVersion {
		return nil, legible, fmt.Errorf("what is sealed for subject %s is broken or of a newer version", subject)
	}
	k, ok, err := s.sealer(ctx, subject, false)
	if err != nil {
		return nil, legible, err
	}
	if under := keyID(sealed[1:]); !ok || k.id != under {
		if covered, err := s.erased.cover(ctx, subject, under, e.Position); err != nil || covered {
			return nil, erased, err
		}
		s.lost.add(LostKey{Subject: subject, Key: under.String(), Position: e.Position})
		return nil, lost, nil
	}
	sealed = sealed[1+keyIDSize:]
	text, err = k.aead.Open(nil, sealed[:nonceSize], sealed[nonceSize:], e.ID[:])
	if err != nil {
		return nil, legible, fmt.Errorf("what is sealed for subject %s was tampered with: %w", subject, err)
	}
	k.usedAt(e.Position)
	return text, legible, nil
}

// MAC returns a hash of a text under the subject's key: it confirms a guess at the text only to those who have the key, and to
// nobody once the subject is erased. A new subject's key is durable when it returns.
func (c *Codec) MAC(ctx context.Context, subject uuid.UUID, text []byte) (string, error) {
	k, err := c.seals.sealing(ctx, subject)
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(keyedHash(k.mac[:], text)[:16]), nil
}

func keyedHash(key, text []byte) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write(text) // never fails
	return h.Sum(nil)
}

// KeyOf returns the check value of the subject's key, as SubjectErased names it; it is empty where the subject has none.
func (c *Codec) KeyOf(ctx context.Context, subject uuid.UUID) (string, error) {
	key, err := c.seals.keys.Key(ctx, subject, false)
	if err != nil {
		return "", fmt.Errorf("%w: subject %s: %w", ErrKeysUnreachable, subject, err)
	}
	if key == nil {
		return "", nil
	}
	return idOf(key).String(), nil
}

// Forget drops a key from memory that another process destroys, and does not read it again (see SubjectErased).
func (c *Codec) Forget(subject uuid.UUID, e Erasure) {
	c.seals.erasing.Lock()
	defer c.seals.erasing.Unlock()
	c.seals.erased.add(subject, e)
	c.seals.ready.Remove(subject)
}

// Erase destroys the subject's key: from now on what its events say reads "[erased]". That it was destroyed on purpose has to
// be in the log before (see SubjectErased): elsewhere the text reads "[lost]" otherwise.
func (c *Codec) Erase(ctx context.Context, subject uuid.UUID) error {
	c.seals.erasing.Lock()
	defer c.seals.erasing.Unlock()
	defer c.seals.ready.Remove(subject)
	key, err := c.KeyOf(ctx, subject)
	if err == nil {
		c.seals.erased.add(subject, Erasure{Key: key})
		err = c.seals.keys.Destroy(ctx, subject)
	}
	if err != nil {
		return fmt.Errorf("erase subject %s: %w", subject, err)
	}
	return nil
}
