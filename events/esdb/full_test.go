package esdb_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"

	"annals/events"
	"annals/events/embedded"
	"annals/events/esdb"
)

func TestAStoreWithoutRoomSaysSoAtOnceAndGoesOnWhenThereIsRoom(t *testing.T) {
	t.Parallel()
	disk := vfs.NewMem()
	s := openOn(t, disk)
	disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 20})
	appendOne := func() error {
		id := uuid.New()
		_, err := s.Append(t.Context(), events.AgentStream(id), events.NoStream, started(id))
		return err
	}
	var err error
	eventually(t, "writes are refused", func() bool { err = appendOne(); return err != nil })
	if !errors.Is(err, events.ErrFull) || errors.Is(err, events.ErrUnavailable) {
		t.Errorf("refused with %v", err)
	}
	disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 40})
	eventually(t, "writes are accepted again", func() bool { return appendOne() == nil })
}

// openOn is a store on a disk of its own.
func openOn(t *testing.T, disk vfs.FS) *esdb.Store {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	node, err := embedded.Open(t.Context(), embedded.Options{Dir: "data", FS: disk, Logger: quiet})
	must(t, err)
	short, err := os.MkdirTemp("", "full")
	must(t, err)
	socket := filepath.Join(short, "s")
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", socket)
	must(t, err)
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := node.Serve(l); err != nil {
			t.Error(err)
		}
	})
	keys, err := events.NewFileKeys(filepath.Join(short, "keys"))
	must(t, err)
	s, err := esdb.Open(t.Context(), esdb.Options{Socket: socket, Codec: events.NewCodec(keys), Logger: quiet})
	must(t, err)
	t.Cleanup(func() {
		ctx := context.Background()
		must(t, s.Close(ctx))
		must(t, node.Close(ctx))
		serving.Wait()
		must(t, os.RemoveAll(short))
	})
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
