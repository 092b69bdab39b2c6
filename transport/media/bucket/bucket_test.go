package bucket

import (
	"testing"

	_ "gocloud.dev/blob/memblob" // a bucket that is here

	"annals/transport/media/mediatest"
)

func TestABucketKeepsBlobsByTheirHash(t *testing.T) {
	t.Parallel()
	b, err := Open(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	mediatest.Keep(t, b)
	if _, err := Open(t.Context(), "nowhere://x"); err == nil {
		t.Error("a bucket of no kind is opened")
	}
}
