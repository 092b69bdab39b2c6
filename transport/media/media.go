// Package media keeps the bytes of uploaded files, by their content: a folder on this machine, or a bucket elsewhere. What
// they are called, and for whom they are, is in the log.
package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"sync"

	"annals/transport/limits"
)

// ErrNoBlob: the bytes are not there.
var ErrNoBlob = errors.New("the bytes are not there")

// Blobs are bytes by their SHA-256, in 64 hexadecimal digits. It is safe for concurrent use, but for one hash at a time.
type Blobs interface {
	// Put returns when the bytes will not get lost; what is there already may be left as it is.
	Put(ctx context.Context, sha256 string, from io.Reader) error
	// Open fails with ErrNoBlob.
	Open(ctx context.Context, sha256 string) (io.ReadSeekCloser, error)
	// Remove is content when there is nothing.
	Remove(ctx context.Context, sha256 string) error
	Close() error
}

// Store takes files in and lets go of them.
type Store struct {
	Blobs
	dir       string
	receiving *limits.Budget // bytes of uploads that are under way
	locks     [64]sync.Mutex
}

// New keeps what is on its way into the blobs in the folder dir.
func New(b Blobs, dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("folder of uploads: %w", err)
	}
	return &Store{Blobs: b, dir: dir, receiving: limits.NewBudget(maxReceiving, maxReceivingOfClient, maxReceivingOfClient)}, nil
}

// Keep puts a file into the blobs and records it. Between the two, nobody takes the bytes for unused.
func (s *Store) Keep(ctx context.Context, f *Received, record func() error) error {
	lock := s.lock(f.SHA256)
	lock.Lock()
	defer lock.Unlock()
	if _, err := f.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read an upload again: %w", err)
	}
	if err := s.Put(ctx, f.SHA256, f.file); err != nil {
		return fmt.Errorf("keep an upload: %w", err)
	}
	return record()
}

// Drop removes bytes that are not used.
func (s *Store) Drop(ctx context.Context, sha256 string, used func() (bool, error)) error {
	lock := s.lock(sha256)
	lock.Lock()
	defer lock.Unlock()
	if yes, err := used(); yes || err != nil {
		return err
	}
	return s.Remove(ctx, sha256)
}

func (s *Store) lock(sha256 string) *sync.Mutex {
	h := 0
	for _, c := range []byte(sha256) {
		h = h*31 + int(c)
	}
	return &s.locks[uint(h)%uint(len(s.locks))]
}

var hash = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Place is where a blob lies: spread over folders that hold a few hundred each.
func Place(sha256 string) (folder, name string, err error) {
	if !hash.MatchString(sha256) {
		return "", "", fmt.Errorf("%.80q is no hash: %w", sha256, ErrNoBlob)
	}
	return sha256[:2], sha256[:2] + "/" + sha256, nil
}
