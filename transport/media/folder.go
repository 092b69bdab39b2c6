package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/google/uuid"
)

// folder keeps blobs as files. gocloud's folder would not sync them.
type folder struct{ root *os.Root }

const unfinished = "unfinished-"

// Folder keeps blobs in a folder of this machine, which it makes.
func Folder(path string) (Blobs, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("folder of blobs: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("folder of blobs: %w", err)
	}
	entries, err := fs.ReadDir(root.FS(), ".")
	for _, e := range entries { // of a process that was killed
		if strings.HasPrefix(e.Name(), unfinished) {
			err = errors.Join(err, root.Remove(e.Name()))
		}
	}
	return &folder{root}, err
}

// Put implements Blobs. A file under its final name is whole and synced.
func (f *folder) Put(_ context.Context, sha256 string, from io.Reader) error {
	dir, name, err := Place(sha256)
	if err != nil {
		return err
	}
	if info, err := f.root.Lstat(name); err == nil && info.Mode().IsRegular() {
		return nil
	}
	temporary := unfinished + uuid.NewString()
	if err := f.write(temporary, from); err != nil {
		return errors.Join(err, f.root.Remove(temporary))
	}
	if err := f.root.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return errors.Join(err, f.root.Remove(temporary))
	}
	if err := f.root.Rename(temporary, name); err != nil {
		return errors.Join(err, f.root.Remove(temporary))
	}
	return errors.Join(f.sync(dir), f.sync("."))
}

func (f *folder) write(name string, from io.Reader) error {
	out, err := f.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, from)
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

func (f *folder) sync(dir string) error {
	d, err := f.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Open implements Blobs. What is no plain file, such as a link, is not there.
func (f *folder) Open(_ context.Context, sha256 string) (io.ReadSeekCloser, error) {
	_, name, err := Place(sha256)
	if err != nil {
		return nil, err
	}
	switch info, err := f.root.Lstat(name); {
	case errors.Is(err, fs.ErrNotExist), err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%.16s…: %w", sha256, ErrNoBlob)
	case err != nil:
		return nil, err
	}
	return f.root.Open(name)
}

// Remove implements Blobs.
func (f *folder) Remove(_ context.Context, sha256 string) error {
	_, name, err := Place(sha256)
	if err != nil {
		return err
	}
	if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Close implements Blobs.
func (f *folder) Close() error { return f.root.Close() }
