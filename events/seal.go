package events

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
)

// Keys keeps one key of 32 bytes for each subject. Destroying it erases what the subject's events say in text.
type Keys interface {
	// Key gives the subject's key, or nil when there is none. With create a missing key is made, and durable before
	// Key returns.
	Key(ctx context.Context, subject uuid.UUID, create bool) ([]byte, error)
	// Destroy removes the key for good. Destroying a key that is not there succeeds.
	Destroy(ctx context.Context, subject uuid.UUID) error
}

// ErrKeysUnreachable: the keys could not be read; trying again may help.
var ErrKeysUnreachable = errors.New("the keys cannot be read")

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
}

type sealer struct {
	id   [keyIDSize]byte
	aead cipher.AEAD
}

func newSeals(keys Keys) *seals {
	cache, err := lru.New[uuid.UUID, sealer](sealCache)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &seals{keys: keys, ready: cache}
}

func (s *seals) sealer(ctx context.Context, subject uuid.UUID, create bool) (sealer, bool, error) {
	if ready, ok := s.ready.Get(subject); ok {
		return ready, true, nil
	}
	s.erasing.RLock()
	defer s.erasing.RUnlock()
	key, err := s.keys.Key(ctx, subject, create)
	if err != nil {
		return sealer{}, false, fmt.Errorf("%w: subject %s: %w", ErrKeysUnreachable, subject, err)
	}
	if key == nil {
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
	sum := sha256.Sum256(key)
	made := sealer{id: [keyIDSize]byte(sum[:]), aead: aead}
	s.ready.Add(subject, made)
	return made, true, nil
}

// sealedSize is the length of a text once it is sealed.
func sealedSize(text []byte) int { return 1 + keyIDSize + nonceSize + len(text) + tagSize }

func (s *seals) seal(ctx context.Context, subject, event uuid.UUID, text []byte) ([]byte, error) {
	k, ok, err := s.sealer(ctx, subject, true)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("%w: subject %s: no key was made", ErrKeysUnreachable, subject)
	}
	out := make([]byte, 1+keyIDSize+nonceSize, sealedSize(text))
	out[0] = sealVersion
	copy(out[1:], k.id[:])
	nonce := out[1+keyIDSize:]
	_, _ = rand.Read(nonce) // never fails, see crypto/rand
	return k.aead.Seal(out, nonce, text, event[:]), nil
}

// open tells erased when the key that sealed the text is gone.
func (s *seals) open(ctx context.Context, subject, event uuid.UUID, sealed []byte) (text []byte, erased bool, err error) {
	if len(sealed) < 1+keyIDSize+nonceSize || sealed[0] != sealVersion {
		return nil, false, fmt.Errorf("what is sealed for subject %s is broken or of a newer version", subject)
	}
	k, ok, err := s.sealer(ctx, subject, false)
	if err != nil {
		return nil, false, err
	}
	if !ok || k.id != [keyIDSize]byte(sealed[1:]) {
		return nil, true, nil
	}
	sealed = sealed[1+keyIDSize:]
	text, err = k.aead.Open(nil, sealed[:nonceSize], sealed[nonceSize:], event[:])
	if err != nil {
		return nil, false, fmt.Errorf("what is sealed for subject %s was tampered with: %w", subject, err)
	}
	return text, false, nil
}

// Holds tells whether there is a key of the subject: something that it said may be legible.
func (c *Codec) Holds(ctx context.Context, subject uuid.UUID) (bool, error) {
	key, err := c.seals.keys.Key(ctx, subject, false)
	if err != nil {
		return false, fmt.Errorf("%w: subject %s: %w", ErrKeysUnreachable, subject, err)
	}
	return key != nil, nil
}

// Forget lets go of a key that another process has destroyed (see SubjectErased).
func (c *Codec) Forget(subject uuid.UUID) {
	c.seals.erasing.Lock()
	defer c.seals.erasing.Unlock()
	c.seals.ready.Remove(subject)
}

// Erase destroys the subject's key: from now on what its events say reads "[erased]".
func (c *Codec) Erase(ctx context.Context, subject uuid.UUID) error {
	c.seals.erasing.Lock()
	defer c.seals.erasing.Unlock()
	defer c.seals.ready.Remove(subject)
	if err := c.seals.keys.Destroy(ctx, subject); err != nil {
		return fmt.Errorf("erase subject %s: %w", subject, err)
	}
	return nil
}
