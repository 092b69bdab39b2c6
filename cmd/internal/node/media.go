package node

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"annals/commands/reactions"
	"annals/events"
	"annals/projections"
	"annals/projections/engine"
	"annals/queries"
	"annals/transport/media"
	"annals/transport/media/bucket"
)

// openMedia opens what keeps uploads: a folder beside the rest, or where the configuration says.
func openMedia(ctx context.Context, c Config, dir string) (*media.Store, error) {
	blobs, err := openBlobs(ctx, c.BlobsURL, filepath.Join(dir, "blobs"))
	if err != nil {
		return nil, err
	}
	return media.New(blobs, filepath.Join(dir, "uploads"))
}

// checkBlobs refuses a location that openBlobs cannot open, whatever becomes reachable.
func checkBlobs(location string) error {
	scheme, _, ok := strings.Cut(location, "://")
	if location != "" && (!ok || scheme != "s3" && scheme != "file") {
		return errors.New("BLOBS_URL begins with neither s3:// nor file://")
	}
	return nil
}

func openBlobs(ctx context.Context, location, folder string) (media.Blobs, error) {
	if path, ok := strings.CutPrefix(location, "file://"); ok {
		folder, location = path, ""
	}
	if location == "" {
		return media.Folder(folder)
	}
	return bucket.Open(ctx, location)
}

// sweep removes the bytes of files that are gone, whenever some go.
func (s *server) sweep(ctx context.Context) error {
	gone := goneFiles{s.backends.Store, s.queries, s.feed}
	return reactions.Sweep{Files: gone, Bytes: s.media, Wake: s.filesGone, Log: s.Logger}.Run(ctx)
}

// goneFiles lets the reaction read of files from the read models.
type goneFiles struct {
	store   events.Store
	queries *queries.Queries
	feed    *engine.Feed
}

// sweptAtOnce is how many removed files are read at a time.
const sweptAtOnce = 500

// Removed implements reactions.Files.
func (g goneFiles) Removed(ctx context.Context, after reactions.RemovedFile) ([]reactions.RemovedFile, error) {
	found, err := g.queries.RemovedFiles(ctx, queries.Removed(after), sweptAtOnce)
	out := make([]reactions.RemovedFile, len(found))
	for i, f := range found {
		out[i] = reactions.RemovedFile(f)
	}
	return out, err
}

// Used implements reactions.Files.
func (g goneFiles) Used(ctx context.Context, sha256 string) (bool, error) {
	head, err := g.store.Head(ctx)
	if err == nil {
		err = g.feed.Wait(ctx, projections.GroupCore, head)
	}
	if err != nil {
		return false, err
	}
	n, err := g.queries.FilesOf(ctx, sha256)
	return n > 0, err
}

// removesFiles tells whether files may have gone with what was committed.
func removesFiles(batch []events.Recorded) bool {
	for _, e := range batch {
		switch e.Event.(type) {
		case events.FileDeleted, events.ChannelCleared, events.ChannelDeleted, events.AgentDeleted:
			return true
		}
	}
	return false
}

// ring wakes whoever waits for it, once.
func ring(bell chan<- struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}
