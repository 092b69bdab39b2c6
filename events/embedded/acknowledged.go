package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// acknowledgedFile lies beside Pebble's files and names a position that was acknowledged. Pebble takes a damaged end of
// its write-ahead log for a write that a crash cut off; a log that ends before this position has lost events.
const acknowledgedFile = "ACKNOWLEDGED"

// acknowledged is that file, open for writing. It is not synced: after a power failure it may name an earlier position,
// after kill -9 it names the last.
type acknowledged struct{ file vfs.File }

func openAcknowledged(fs vfs.FS, dir string) (acknowledged, error) {
	f, err := fs.OpenReadWrite(fs.PathJoin(dir, acknowledgedFile), vfs.WriteCategoryUnspecified)
	if err != nil {
		return acknowledged{}, fmt.Errorf("event log: %w", err)
	}
	return acknowledged{f}, nil
}

func (a acknowledged) write(position uint64) error {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 12), position)
	_, err := a.file.WriteAt(binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli)), 0)
	return err
}

func (a acknowledged) close() error { return errors.Join(a.file.Sync(), a.file.Close()) }

// readAcknowledged gives 0 for a file that is missing, or that a power failure left half written.
func readAcknowledged(fs vfs.FS, dir string) uint64 {
	f, err := fs.Open(fs.PathJoin(dir, acknowledgedFile))
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }()
	var b [12]byte
	if _, err := f.ReadAt(b[:], 0); err != nil || crc32.Checksum(b[:8], castagnoli) != binary.BigEndian.Uint32(b[8:]) {
		return 0
	}
	return binary.BigEndian.Uint64(b[:8])
}

// checkEnd finds out whether acknowledged events are missing at the end of the log.
func (s *store) checkEnd(fs vfs.FS, dir string) error {
	head, err := s.head()
	if err != nil {
		return err
	}
	if want := readAcknowledged(fs, dir); want > head {
		file := "a file"
		if s.replayed != nil {
			file = *s.replayed
		}
		return fmt.Errorf("%w: the log in %s ends at position %d but was acknowledged up to %d: %s is damaged; restore a backup, which has what "+
			"is lost, or remove the file %s to go on without those events", errCorrupt, dir, head, want, file, acknowledgedFile)
	}
	return nil
}
