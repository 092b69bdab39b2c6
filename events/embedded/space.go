package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// reservedBytes stay free on the disk: Pebble cannot go on once a write of its log has failed, so writes are refused
// while there is still room for what is under way.
const reservedBytes = 64 << 20

// errFull refuses writes until there is again what is missing.
var (
	errFull          = errors.New("the event log accepts no writes for now")
	errDiskFull      = fmt.Errorf("%w: its disk is full; free some space", errFull)
	errNoInodes      = fmt.Errorf("%w: its disk is full, no file can be made; remove files or raise its number of inodes", errFull)
	errNoDescriptors = fmt.Errorf("%w: the process has no file descriptors left; raise the limit of open files", errFull)
)

// diskSpace watches the free space under a directory, and what is kept back there; one goroutine uses it.
type diskSpace struct {
	reserve *reserve
	log     *slog.Logger
	checked time.Time
	missing error
}

// shortage returns what is missing, errFull, or nil. It looks four times a second, and at once when the reserve was touched. A
// file system that does not know counts as having room.
func (d *diskSpace) shortage() error {
	if time.Since(d.checked) < 250*time.Millisecond && (d.missing != nil || !d.reserve.touched()) {
		return d.missing
	}
	d.checked = time.Now()
	before := d.missing
	d.missing = d.reserve.refill()
	if usage, err := d.reserve.GetDiskUsage(d.reserve.dir); err == nil && usage.AvailBytes < reservedBytes {
		d.missing = errDiskFull
	}
	switch {
	case d.missing != nil && before == nil:
		d.log.Error("writes are refused", "error", d.missing)
	case d.missing == nil && before != nil:
		d.log.Info("writes are accepted again")
	}
	return d.missing
}
