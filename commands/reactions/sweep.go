package reactions

import (
	"context"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"

	"annals/events"
)

// Files is what the read models know of the files that are gone.
type Files interface {
	// Removed lists files that are gone, after one of them, in the order of their going; none at the end.
	Removed(ctx context.Context, after RemovedFile) ([]RemovedFile, error)
	// Used tells whether a file has the bytes with that hash, as of the end of the log.
	Used(ctx context.Context, sha256 string) (bool, error)
}

// RemovedFile is a file that is gone, and where it went.
type RemovedFile struct {
	ID     uuid.UUID
	SHA256 string
	Gone   events.Position
}

// Bytes lets go of what is not used.
type Bytes interface {
	Drop(ctx context.Context, sha256 string, used func() (bool, error)) error
}

// Sweep removes the bytes of files that are gone, once no other file has the same.
type Sweep struct {
	Files Files
	Bytes Bytes
	// Wake tells that files may have gone; once when it can begin.
	Wake <-chan struct{}
	Log  *slog.Logger
}

// Run sweeps whenever it is woken, the first time from the first removed file on, until the context ends.
func (s Sweep) Run(ctx context.Context) error {
	var at RemovedFile
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.Wake:
		}
		sweep := func() (_ struct{}, err error) {
			at, err = s.after(ctx, at)
			return struct{}{}, err
		}
		_, err := backoff.Retry(ctx, sweep, backoff.WithBackOff(newPauses()), backoff.WithMaxElapsedTime(0),
			backoff.WithNotify(func(err error, _ time.Duration) {
				s.Log.WarnContext(ctx, "the bytes of a removed file stay for now", "file", at.ID, "error", err)
			}))
		if err != nil {
			return nil //nolint:nilerr // it was told to end
		}
	}
}

// after gives the last file that was dealt with.
func (s Sweep) after(ctx context.Context, at RemovedFile) (RemovedFile, error) {
	for {
		gone, err := s.Files.Removed(ctx, at)
		if err != nil || len(gone) == 0 {
			return at, err
		}
		for _, f := range gone {
			if err := s.Bytes.Drop(ctx, f.SHA256, func() (bool, error) { return s.Files.Used(ctx, f.SHA256) }); err != nil {
				return at, err
			}
			at = f
		}
	}
}
