package filelock_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"annals/deploy/postgres/internal/filelock"
)

func take(t *testing.T, path string, mode filelock.Mode) *os.File {
	t.Helper()
	f, err := filelock.Try(path, mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestManyShareALockAndOneExcludesAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	one, two := take(t, path, filelock.Shared), take(t, path, filelock.Shared)
	if _, err := filelock.Try(path, filelock.Exclusive); !errors.Is(err, filelock.ErrHeld) {
		t.Fatalf("exclusive beside shared: %v", err)
	}
	one.Close()
	two.Close()
	take(t, path, filelock.Exclusive)
	if _, err := filelock.Try(path, filelock.Shared); !errors.Is(err, filelock.ErrHeld) {
		t.Fatalf("shared beside exclusive: %v", err)
	}
}

func TestAWaitEndsWithItsContextOrWhenTheHolderLetsGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	held := take(t, path, filelock.Exclusive)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := filelock.Wait(ctx, path, filelock.Exclusive); !errors.Is(err, context.Canceled) {
		t.Fatalf("wait: %v", err)
	}
	got := make(chan error)
	go func() {
		f, err := filelock.Wait(t.Context(), path, filelock.Exclusive)
		f.Close()
		got <- err
	}()
	held.Close()
	if err := <-got; err != nil {
		t.Fatal(err)
	}
}

func TestAFileThatItsHolderRemovedIsNotTheLockAnyMore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	take(t, path, filelock.Exclusive)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	take(t, path, filelock.Exclusive)
	if _, err := filelock.Try(path, filelock.Exclusive); !errors.Is(err, filelock.ErrHeld) {
		t.Fatalf("the new file is not locked: %v", err)
	}
}
