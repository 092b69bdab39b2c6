package host_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"annals/deploy/host"
)

func take(t *testing.T, path string, mode host.LockMode) *os.File {
	t.Helper()
	f, err := host.TryLock(path, mode, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestManyShareALockAndOneExcludesAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	one, two := take(t, path, host.Shared), take(t, path, host.Shared)
	if _, err := host.TryLock(path, host.Exclusive, 0o600); !errors.Is(err, host.ErrLocked) {
		t.Fatalf("exclusive beside shared: %v", err)
	}
	one.Close()
	two.Close()
	take(t, path, host.Exclusive)
	if _, err := host.TryLock(path, host.Shared, 0o600); !errors.Is(err, host.ErrLocked) {
		t.Fatalf("shared beside exclusive: %v", err)
	}
}

func TestAWaitEndsWithItsContextOrWhenTheLockIsReleased(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	held := take(t, path, host.Exclusive)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := host.WaitLock(ctx, path, host.Exclusive, 0o600); !errors.Is(err, context.Canceled) {
		t.Fatalf("wait: %v", err)
	}
	got := make(chan error)
	go func() {
		f, err := host.WaitLock(t.Context(), path, host.Exclusive, 0o600)
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
	take(t, path, host.Exclusive)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	take(t, path, host.Exclusive)
	if _, err := host.TryLock(path, host.Exclusive, 0o600); !errors.Is(err, host.ErrLocked) {
		t.Fatalf("the new file is not locked: %v", err)
	}
}

func TestLookingAtALockNeitherTakesItNorMakesItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	if locked, err := host.IsLocked(path); locked || !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a missing file: %v, %v", locked, err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("the file was made: %v", err)
	}
	held := take(t, path, host.Exclusive)
	if locked, err := host.IsLocked(path); !locked || err != nil {
		t.Fatalf("a held lock: %v, %v", locked, err)
	}
	held.Close()
	if locked, err := host.IsLocked(path); locked || err != nil {
		t.Fatalf("a released lock: %v, %v", locked, err)
	}
	take(t, path, host.Exclusive)
}
