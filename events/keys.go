package events

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/google/uuid"
)

const keySize = 32

// FileKeys keeps each key in a file of its own under a folder: <dir>/<first two hex digits>/<subject>. Several processes
// may use one folder.
type FileKeys struct {
	dir string
	mu  sync.Mutex // one creation at a time: the others find the file
}

// NewFileKeys makes the folder when it is missing, for this user alone.
func NewFileKeys(dir string) (*FileKeys, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("folder of the keys: %w", err)
	}
	return &FileKeys{dir: dir}, nil
}

func (k *FileKeys) path(subject uuid.UUID) string {
	name := subject.String()
	return filepath.Join(k.dir, name[:2], name)
}

// Key implements Keys.
func (k *FileKeys) Key(_ context.Context, subject uuid.UUID, create bool) ([]byte, error) {
	path := k.path(subject)
	key, err := readKey(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if !create {
		return nil, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return createKey(path)
}

func readKey(path string) ([]byte, error) {
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(key) != keySize {
		return nil, fmt.Errorf("%s holds %d bytes, not %d: restore it from a backup", path, len(key), keySize)
	}
	return key, nil
}

// createKey writes a new key under a name of its own and links it into place: whoever comes second finds the first one's
// key, and a crash leaves no half-written key.
func createKey(path string) ([]byte, error) {
	dir := filepath.Dir(path)
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails, see crypto/rand
	_, err = f.Write(key)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
		if key, err = readKey(path); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	return key, syncDir(dir)
}

// Destroy implements Keys. The key is overwritten before its file goes.
func (k *FileKeys) Destroy(_ context.Context, subject uuid.UUID) error {
	path := k.path(subject)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, keySize))
	if err := errors.Join(err, f.Sync(), f.Close(), os.Remove(path)); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// makeDir makes a folder durably; its parent exists.
func makeDir(dir string) error {
	switch err := os.Mkdir(dir, 0o700); {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil:
		return err
	}
	return syncDir(filepath.Dir(dir))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
