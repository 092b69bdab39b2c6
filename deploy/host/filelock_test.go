package host_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"annals/deploy/host"
)

func take(t *testing.T, path string, mode host.Mode) *os.File {
	t.Helper()
	f, err := host.Try(path, mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestManyShareALockAndOneExcludesAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	one, two := take(t, path, host.Shared), take(t, path, host.Shared)
	if _, err := host.Try(path, host.Exclusive); !errors.Is(err, host.ErrHeld) {
		t.Fatalf("exclusive beside shared: %v", err)
	}
	one.Close()
	two.Close()
	take(t, path, host.Exclusive)
	if _, err := host.Try(path, host.Shared); !errors.Is(err, host.ErrHeld) {
		t.Fatalf("shared beside exclusive: %v", err)
	}
}

func TestAWaitEndsWithItsContextOrWhenTheHolderLetsGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	held := take(t, path, host.Exclusive)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := host.Wait(ctx, path, host.Exclusive); !errors.Is(err, context.Canceled) {
		t.Fatalf("wait: %v", err)
	}
	got := make(chan error)
	go func() {
		f, err := host.Wait(t.Context(), path, host.Exclusive)
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
	if _, err := host.Try(path, host.Exclusive); !errors.Is(err, host.ErrHeld) {
		t.Fatalf("the new file is not locked: %v", err)
	}
}
