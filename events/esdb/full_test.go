package esdb_test

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"

	"annals/events"
	"annals/events/esdb/esdbtest"
)

func TestAStoreWithoutRoomSaysSoAtOnceAndGoesOnWhenThereIsRoom(t *testing.T) {
	t.Parallel()
	disk := vfs.NewMem()
	s := esdbtest.On(t, disk)
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
