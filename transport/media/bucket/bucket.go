// Package bucket keeps blobs as objects of a bucket elsewhere. It is apart since it brings much along.
package bucket

import (
	"context"
	"fmt"
	"io"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/s3blob" // s3://
	"gocloud.dev/gcerrors"

	"annals/transport/media"
)

// bucket implements media.Blobs.
type bucket struct{ *blob.Bucket }

// Open opens what a URL names, such as s3://bucket?region=….
func Open(ctx context.Context, location string) (media.Blobs, error) {
	b, err := blob.OpenBucket(ctx, location)
	if err != nil {
		return nil, fmt.Errorf("the bucket of blobs: %w", err)
	}
	return bucket{b}, nil
}

// Put implements media.Blobs. It always writes: another node may be about to remove the object.
func (b bucket) Put(ctx context.Context, sha256 string, from io.Reader) error {
	_, name, err := media.Place(sha256)
	if err != nil {
		return err
	}
	return b.Upload(ctx, name, from, &blob.WriterOptions{ContentType: "application/octet-stream"})
}

// Open implements media.Blobs.
func (b bucket) Open(ctx context.Context, sha256 string) (io.ReadSeekCloser, error) {
	_, name, err := media.Place(sha256)
	if err != nil {
		return nil, err
	}
	r, err := b.NewReader(ctx, name, nil)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, fmt.Errorf("%.16s…: %w", sha256, media.ErrNoBlob)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Remove implements media.Blobs.
func (b bucket) Remove(ctx context.Context, sha256 string) error {
	_, name, err := media.Place(sha256)
	if err != nil {
		return err
	}
	if err := b.Delete(ctx, name); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return err
	}
	return nil
}
