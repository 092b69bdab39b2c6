package media

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"os"
	"path"
	"strings"
	"unicode"
)

// What an upload may be.
const (
	// MaxSize bounds a file, in bytes, as the recorded server does.
	MaxSize = 52_428_800
	// maxBeside bounds what comes beside the file, maxParts in how many parts.
	maxBeside = 1 << 20
	maxParts  = 100
	// atOnce bounds how many files are received at a time, which bounds the room that they take.
	atOnce = 64
	// maxName bounds what a file is called, in bytes.
	maxName = 255
)

// What Receive answers besides success.
var (
	ErrNoFile     = errors.New("No media file provided") //nolint:staticcheck // as clients know it
	ErrUnexpected = errors.New("Unexpected file field")  //nolint:staticcheck // as clients know it
	ErrTooLarge   = errors.New("File too large")         //nolint:staticcheck // as clients know it
	ErrType       = errors.New("Invalid file type")      //nolint:staticcheck // as clients know it
	// ErrBroken: the upload ended early or is no form.
	ErrBroken = errors.New("the upload cannot be read")
)

// Received is a file on its way in. It has to be closed.
type Received struct {
	// Path is what the client called it, Name the last part of that, fit to be shown.
	Path, Name string
	// Type is what the bytes are, Extension the one that a name of such a file ends in, with its dot.
	Type, Extension string
	Size            int64
	SHA256          string
	Width, Height   int

	file *os.File
	free func()
}

// Close lets go of the bytes.
func (r *Received) Close() error {
	r.free()
	return r.file.Close()
}

// Receive reads the one file, in the field "file", of a form.
func (s *Store) Receive(ctx context.Context, form *multipart.Reader) (*Received, error) {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	file, err := s.temporary()
	if err != nil {
		<-s.slots
		return nil, err
	}
	r := &Received{file: file, free: func() { <-s.slots }}
	if err := r.read(form); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// temporary is a file without a name: it is gone with the process, whatever ends it.
func (s *Store) temporary() (*os.File, error) {
	file, err := os.CreateTemp(s.dir, "upload-")
	if err != nil {
		return nil, fmt.Errorf("room for an upload: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func (r *Received) read(form *multipart.Reader) error {
	declared, found, beside := "", false, int64(0)
	for range maxParts {
		part, err := form.NextPart()
		switch {
		case errors.Is(err, io.EOF) && !found:
			return ErrNoFile
		case errors.Is(err, io.EOF):
			return r.look(declared)
		case err != nil:
			return broken(err)
		case part.FileName() == "":
			n, err := io.Copy(io.Discard, io.LimitReader(part, maxBeside-beside+1))
			if err != nil {
				return broken(err)
			}
			if beside += n; beside > maxBeside {
				return ErrTooLarge
			}
		case found || part.FormName() != "file":
			return ErrUnexpected
		default:
			if err := r.take(part); err != nil {
				return err
			}
			found, declared = true, part.Header.Get("Content-Type")
		}
	}
	return fmt.Errorf("%w: more than %d parts", ErrBroken, maxParts)
}

func broken(err error) error { return fmt.Errorf("%w: %w", ErrBroken, err) }

// take writes the file down and counts it up.
func (r *Received) take(part *multipart.Part) error {
	_, about, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if err != nil {
		return broken(err)
	}
	r.Path = about["filename"]
	r.Name = showable(r.Path)
	sum, body := sha256.New(), &failing{Reader: io.LimitReader(part, MaxSize+1)}
	if r.Size, err = io.Copy(io.MultiWriter(r.file, sum), body); err != nil {
		if body.err != nil {
			return broken(err)
		}
		return fmt.Errorf("write an upload down: %w", err)
	}
	if r.Size > MaxSize {
		return ErrTooLarge
	}
	r.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return nil
}

// failing tells a client that does not send from a disk that does not take.
type failing struct {
	io.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

// showable is the last part of a path, without what cannot be seen.
func showable(name string) string {
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, ""), `\`, "/"))
	name = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, name)
	if len(name) > maxName {
		name = strings.ToValidUTF8(name[:maxName], "")
	}
	return name
}
