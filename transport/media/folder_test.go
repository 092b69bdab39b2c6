package media_test

import (
	"path/filepath"
	"testing"

	"annals/transport/media"
	"annals/transport/media/mediatest"
)

func TestAFolderKeepsBlobsByTheirHash(t *testing.T) {
	t.Parallel()
	b, err := media.Folder(filepath.Join(t.TempDir(), "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	mediatest.Keep(t, b)
}
