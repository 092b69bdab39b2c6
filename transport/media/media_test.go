package media

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func hashOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

func open(t testing.TB, folder string) Blobs {
	t.Helper()
	b, err := Folder(folder)
	must(t, err)
	t.Cleanup(func() { must(t, b.Close()) })
	return b
}

func TestALinkIsNoBlobAndWhatWasCutOffIsRemoved(t *testing.T) {
	t.Parallel()
	dir, secret := t.TempDir(), filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(secret, []byte("secret"), 0o600))
	h := hashOf("secret")
	must(t, os.Mkdir(filepath.Join(dir, h[:2]), 0o700))
	must(t, os.Symlink(secret, filepath.Join(dir, h[:2], h)))
	must(t, os.WriteFile(filepath.Join(dir, unfinished+"1"), []byte("half"), 0o600))
	b := open(t, dir)
	if _, err := b.Open(t.Context(), h); !errors.Is(err, ErrNoBlob) {
		t.Errorf("a link is opened: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, unfinished+"1")); !os.IsNotExist(err) {
		t.Errorf("the half of a blob stays: %v", err)
	}
	must(t, b.Put(t.Context(), h, strings.NewReader("secret")))
	if info, err := os.Lstat(filepath.Join(dir, h[:2], h)); err != nil || !info.Mode().IsRegular() {
		t.Errorf("the link stays: %v %v", info, err)
	}
}

func TestBytesThatAreBeingRecordedAreNotDropped(t *testing.T) {
	t.Parallel()
	s, err := New(open(t, t.TempDir()), t.TempDir())
	must(t, err)
	var mu sync.Mutex
	recorded := 0
	h := hashOf("content")
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			file, err := s.temporary()
			must(t, err)
			_, err = file.WriteString("content")
			must(t, err)
			r := &Received{SHA256: h, file: file, share: s.receiving.Join(netip.Prefix{})}
			defer r.Close()
			must(t, s.Keep(t.Context(), r, func() error { mu.Lock(); defer mu.Unlock(); recorded++; return nil }))
			must(t, s.Drop(t.Context(), h, func() (bool, error) { mu.Lock(); defer mu.Unlock(); return recorded > 0, nil }))
			blob, err := s.Open(t.Context(), h)
			must(t, err)
			must(t, blob.Close())
		})
	}
	all.Wait()
	must(t, s.Drop(t.Context(), h, func() (bool, error) { return false, nil }))
	if _, err := s.Open(context.Background(), h); !errors.Is(err, ErrNoBlob) {
		t.Errorf("what is not used stays: %v", err)
	}
	if left, err := os.ReadDir(s.dir); err != nil || len(left) > 0 {
		t.Errorf("left of uploads: %v, %v", left, err)
	}
}
