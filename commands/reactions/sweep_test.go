package reactions

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"annals/events"
)

// shelf is a read model of files, and bytes.
type shelf struct {
	mu      sync.Mutex
	gone    []RemovedFile
	used    map[string]bool
	dropped []string
	away    error
}

func (s *shelf) Removed(_ context.Context, after RemovedFile) ([]RemovedFile, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.gone {
		if f.Gone > after.Gone {
			return slices.Clone(s.gone[i:min(i+2, len(s.gone))]), s.away
		}
	}
	return nil, s.away
}

func (s *shelf) Used(_ context.Context, sha256 string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used[sha256], nil
}

func (s *shelf) Drop(_ context.Context, sha256 string, used func() (bool, error)) error {
	if yes, err := used(); yes || err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropped = append(s.dropped, sha256)
	return nil
}

func (s *shelf) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func TestTheBytesOfRemovedFilesGoUnlessAnotherFileHasThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{used: map[string]bool{"b": true}, away: errors.New("away")}
		remove := func(hashes ...string) {
			for _, h := range hashes {
				s.gone = append(s.gone, RemovedFile{ID: uuid.New(), SHA256: h, Gone: events.Position(len(s.gone) + 1)})
			}
		}
		remove("a", "b", "c")
		wake := make(chan struct{}, 1)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- Sweep{Files: s, Bytes: s, Wake: wake, Log: slog.New(slog.DiscardHandler)}.Run(ctx)
		}()
		wake <- struct{}{}
		synctest.Wait()
		s.change(func() { s.away = nil })
		timeless(t, s, "a", "c")
		s.change(func() { s.used["b"] = false; remove("b", "d") })
		wake <- struct{}{}
		timeless(t, s, "a", "c", "b", "d")
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// timeless waits until everything sleeps and these are dropped.
func timeless(t *testing.T, s *shelf, want ...string) {
	t.Helper()
	for range 100 {
		synctest.Wait()
		s.mu.Lock()
		got := slices.Clone(s.dropped)
		s.mu.Unlock()
		if slices.Equal(got, want) {
			return
		}
		<-time.After(firstPause)
	}
	t.Fatalf("dropped %v, not %v", s.dropped, want)
}
