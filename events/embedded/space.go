package embedded

import (
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// reservedBytes stay free on the disk: Pebble cannot go on once a write of its log has failed, so writes are refused
// while there is still room for what is under way.
const reservedBytes = 64 << 20

// errDiskFull refuses writes until there is room again.
var errDiskFull = errors.New("the disk of the event log is full: free some space, then writes are accepted again")

// diskSpace watches the free space under a directory; one goroutine uses it.
type diskSpace struct {
	fs      vfs.FS
	dir     string
	checked time.Time
	full    bool
}

// low looks at most four times a second. A file system that does not know counts as having room.
func (d *diskSpace) low() bool {
	if time.Since(d.checked) < 250*time.Millisecond {
		return d.full
	}
	d.checked = time.Now()
	usage, err := d.fs.GetDiskUsage(d.dir)
	d.full = err == nil && usage.AvailBytes < reservedBytes
	return d.full
}
