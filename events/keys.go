package events

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/uuid"
)

const keySize = 32

// FileKeys keeps each key in a file of its own under a folder: <dir>/<first two hex digits>/<subject>. Several processes
// may use one folder.
type FileKeys struct{ dir string }

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
func (k *FileKeys) Key(ctx context.Context, subject uuid.UUID, create bool) ([]byte, error) {
	path := k.path(subject)
	for ctx.Err() == nil {
		key, err := readKey(path)
		switch {
		case err == nil && create:
			// Whoever made it, another process perhaps, may not have come to this yet.
			return key, errors.Join(syncDir(filepath.Dir(path)), syncDir(k.dir))
		case err == nil:
			return key, nil
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		case !create:
			return nil, nil
		}
		if err := createKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	return nil, ctx.Err()
}

func readKey(path string) ([]byte, error) {
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(key) != keySize {
		return nil, fmt.Errorf("%s holds %d bytes, not %d: restore it from a backup", path, len(key), keySize)
	}
	if [keySize]byte(key) == [keySize]byte{} { // opened just before Destroy overwrote it
		return nil, fs.ErrNotExist
	}
	return key, nil
}

// createKey writes a new key under a name of its own and links it into place: a crash leaves no half-written key, and
// whoever comes second is told fs.ErrExist.
func createKey(path string) error {
	dir := filepath.Dir(path)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails, see crypto/rand
	_, err = f.Write(key)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}

// Stamp implements Keys. It is of the file: one that is put there instead is another one.
func (k *FileKeys) Stamp(subject uuid.UUID) (Stamp, error) {
	info, err := os.Stat(k.path(subject))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Stamp{}, nil
	case err != nil:
		return Stamp{}, err
	}
	s := Stamp{At: info.ModTime().UnixNano()}
	if file, ok := info.Sys().(*syscall.Stat_t); ok {
		s.ID = int64(file.Ino) //nolint:gosec // compared alone
	}
	return s, nil
}

// Destroy implements Keys. The key is put aside before zeros overwrite it, so that a crash leaves none in its place;
// repeating an interrupted destruction completes it.
func (k *FileKeys) Destroy(_ context.Context, subject uuid.UUID) error {
	path := k.path(subject)
	dir, name := filepath.Split(path)
	aside := filepath.Join(dir, ".gone-"+name)
	if err := os.Rename(path, aside); err == nil {
		if err := syncDir(dir); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(aside, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, keySize))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Remove(aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
