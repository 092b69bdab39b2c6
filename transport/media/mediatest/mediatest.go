// Package mediatest is what every keeper of blobs has to pass.
package mediatest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"annals/transport/media"
)

// Hash names a content.
func Hash(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

// Keep fails the test unless blobs are kept by their hash. It closes them.
func Keep(t *testing.T, b media.Blobs) {
	t.Helper()
	defer func() { must(t, b.Close()) }()
	for _, content := range []string{"", "one", strings.Repeat("large", 1<<18)} {
		h := Hash(content)
		gone(t, b, h)
		must(t, b.Put(t.Context(), h, strings.NewReader(content)))
		must(t, b.Put(t.Context(), h, strings.NewReader(content)))
		r, err := b.Open(t.Context(), h)
		must(t, err)
		got, err := io.ReadAll(r)
		if err != nil || string(got) != content {
			t.Fatalf("%d bytes of %d back, %v", len(got), len(content), err)
		}
		end, err := r.Seek(0, io.SeekEnd)
		if err != nil || end != int64(len(content)) {
			t.Errorf("the end is at %d, %v", end, err)
		}
		must(t, r.Close())
		must(t, b.Remove(t.Context(), h))
		must(t, b.Remove(t.Context(), h))
		gone(t, b, h)
	}
	for _, bad := range []string{"", "..", "../../etc/passwd", strings.Repeat("g", 64), strings.ToUpper(Hash("x"))} {
		gone(t, b, bad)
		if b.Put(t.Context(), bad, strings.NewReader("x")) == nil || b.Remove(t.Context(), bad) == nil {
			t.Errorf("%q is taken for a hash", bad)
		}
	}
}

func gone(t *testing.T, b media.Blobs, hash string) {
	t.Helper()
	if _, err := b.Open(t.Context(), hash); !errors.Is(err, media.ErrNoBlob) {
		t.Fatalf("%.20q: %v", hash, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
