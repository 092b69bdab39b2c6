package node

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestAServerMakesItsSaltOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "salt")
	if salt, err := fileSecret(path, ""); salt != "" || err != nil {
		t.Fatalf("before: %q, %v", salt, err)
	}
	var all sync.WaitGroup
	made := make([]string, 8)
	for i := range made {
		all.Go(func() {
			var err error
			if made[i], err = fileSecret(path, rand.Text()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, salt := range made {
		if len(salt) < 26 || salt != made[0] {
			t.Errorf("one process has %q, another %q", made[0], salt)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	if salt, err := fileSecret(path, rand.Text()); err == nil {
		t.Errorf("an empty file gives %q", salt)
	}
}
