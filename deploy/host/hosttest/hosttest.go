// Package hosttest gives tests folders for unix sockets.
package hosttest

import (
	"os"
	"testing"
)

// ShortDir returns a folder that ends with the test. Its path is short enough for a unix socket, which that of t.TempDir,
// with the test's name in it, may not be.
func ShortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "annals")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
