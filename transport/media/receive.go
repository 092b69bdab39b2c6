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
	"net/netip"
	"os"
	"path"
	"strings"
	"time"
	"unicode"

	"annals/transport/limits"
)

// MaxSize bounds a file, in bytes, as the recorded server does.
const MaxSize = 52_428_800

// What uploads may take up.
var (
	_ = limits.Declare(limits.Bound{
		Name: "upload.file", What: "a file", Per: limits.Request, Value: MaxSize, Unit: limits.Bytes, Answer: "413",
	})
	maxReceivingOfClient = limits.Declare(limits.Bound{
		Name: "upload.client", What: "files while they are received", Per: limits.Client, Value: 512 << 20, Unit: limits.Bytes,
		Answer: "the upload waits, then 503 with Retry-After",
	})
	maxReceiving = limits.Declare(limits.Bound{
		Name: "upload.server", What: "files while they are received", Per: limits.Server, Value: 2 << 30, Unit: limits.Bytes,
		Answer: "the upload waits, then 503 with Retry-After",
	})
	_ = limits.Declare(limits.Bound{
		Name: "upload.beside", What: "what comes beside a file", Per: limits.Request, Value: maxBeside, Unit: limits.Bytes, Answer: "413",
	})
	_ = limits.Declare(limits.Bound{
		Name: "upload.parts", What: "parts of a form", Per: limits.Request, Value: maxParts, Unit: limits.Count, Answer: "400 INVALID_REQUEST",
	})
	roomTime = limits.Declare(limits.Bound{
		Name: "upload.room", What: "waiting for room for an upload", Per: limits.Request, Value: int64(20 * time.Second), Unit: limits.Time,
		Answer: "503 with Retry-After",
	})
)

// What comes beside a file.
const (
	// maxBeside bounds what comes beside the file, maxParts in how many parts.
	maxBeside = 1 << 20
	maxParts  = 100
	// maxName bounds what a file is called, in bytes.
	maxName = 255
)

// What Receive answers besides success.
var (
	ErrNoFile     = errors.New("No media file provided") //nolint:staticcheck // as clients know it
	ErrUnexpected = errors.New("Unexpected file field")  //nolint:staticcheck // as clients know it
	ErrTooLarge   = errors.New("File too large")         //nolint:staticcheck // as clients know it
	ErrType       = errors.New("Invalid file type")      //nolint:staticcheck // as clients know it
	// ErrBusy: so much is being received that there is no room for more, for now.
	ErrBusy = errors.New("too much is being uploaded at the moment")
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

	file  *os.File
	share *limits.Share // of what is on the disk for uploads
}

// Close lets go of the bytes.
func (r *Received) Close() error {
	r.share.Leave()
	return r.file.Close()
}

// Receive reads the one file, in the field "file", of a form that a client sends. What it has sent counts for it until the file is
// closed: an upload that does not go on keeps nobody out.
func (s *Store) Receive(ctx context.Context, client netip.Prefix, form *multipart.Reader) (*Received, error) {
	file, err := s.temporary()
	if err != nil {
		return nil, err
	}
	r := &Received{file: file, share: s.receiving.Join(client)}
	if err := r.read(ctx, form); err != nil {
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

func (r *Received) read(ctx context.Context, form *multipart.Reader) error {
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
			if err := r.take(ctx, part); err != nil {
				return err
			}
			found, declared = true, part.Header.Get("Content-Type")
		}
	}
	return fmt.Errorf("%w: more than %d parts", ErrBroken, maxParts)
}

func broken(err error) error { return fmt.Errorf("%w: %w", ErrBroken, err) }

// take writes the file down and counts it up.
func (r *Received) take(ctx context.Context, part *multipart.Part) error {
	_, about, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if err != nil {
		return broken(err)
	}
	r.Path = about["filename"]
	r.Name = showable(r.Path)
	sum, body := sha256.New(), &failing{Reader: io.LimitReader(part, MaxSize+1)}
	to := io.MultiWriter(counting{ctx, r.share}, r.file, sum)
	switch r.Size, err = io.Copy(to, body); {
	case err == nil:
	case errors.Is(err, ErrBusy):
		return err
	case body.err != nil:
		return broken(err)
	default:
		return fmt.Errorf("write an upload down: %w", err)
	}
	if r.Size > MaxSize {
		return ErrTooLarge
	}
	r.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return nil
}

// counting counts what is received, and waits while that is too much.
type counting struct {
	ctx   context.Context //nolint:containedctx // the upload's
	share *limits.Share
}

// Write implements io.Writer.
func (c counting) Write(p []byte) (int, error) {
	ctx, cancel := context.WithTimeout(c.ctx, roomTime.Duration())
	defer cancel()
	if err := c.share.Take(ctx, int64(len(p))); err != nil {
		return 0, errors.Join(ErrBusy, c.ctx.Err())
	}
	return len(p), nil
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
