package embedded

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Everything is in one Pebble database:
//
//	l <position>           -> record
//	i <index> <revision>   -> position
//	s <stream name>        -> streamState
//	p <group key>          -> configuration of a persistent subscription
//
// Numbers in keys are 8 bytes, big endian.
const (
	logSpace   = 'l'
	indexSpace = 'i'
	stateSpace = 's'
	groupSpace = 'p'
)

func logKey(position uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{logSpace}, position)
}

func indexKey(index uint64, revision int64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64([]byte{indexSpace}, index), uint64(revision))
}

func stateKey(stream string) []byte { return append([]byte{stateSpace}, stream...) }

func groupKey(name string) []byte { return append([]byte{groupSpace}, name...) }

// store is the database with its keys and values understood.
type store struct {
	db       *pebble.DB
	replayed *string      // the newest file of the write-ahead log, nil for none
	ack      acknowledged // not of a store that is only read
}

// openStore opens a log for writing. What a crash left is recovered; acknowledged events that are missing are an error.
func openStore(dir string, fs vfs.FS, log *slog.Logger) (*store, error) {
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the folder of the event log: %w", err)
	}
	s, err := openPebble(dir, pebbleOptions(fs, log))
	if err != nil {
		return nil, err
	}
	err = s.checkEnd(fs, dir)
	if err == nil {
		s.ack, err = openAcknowledged(fs, dir)
	}
	if err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	return s, nil
}

// openToRead opens a log that nobody has open, and changes nothing in it.
func openToRead(dir string, fs vfs.FS, log *slog.Logger) (*store, error) {
	o := pebbleOptions(fs, log)
	o.ReadOnly = true
	return openPebble(dir, o)
}

func openPebble(dir string, o *pebble.Options) (*store, error) {
	files := &lastOpened{FS: o.FS}
	o.FS = files
	db, err := pebble.Open(dir, o)
	if errors.Is(err, syscall.EAGAIN) {
		return nil, fmt.Errorf("another process has the event log in %s open (%w): stop it, or name another folder with --data or DATA_DIR", dir, err)
	}
	if err != nil && pebble.IsCorruptionError(err) {
		return nil, fmt.Errorf("the event log is damaged: %w in %s: annals eventstore verify tells how much; restore a backup, which has what is lost", err, files.name())
	}
	if err != nil {
		return nil, fmt.Errorf("open the event log in %s: %w", dir, err)
	}
	return &store{db: db, replayed: files.log.Load()}, nil
}

// lastOpened remembers which file was opened last to be read: while a log is opened, that is the one that an error is about.
type lastOpened struct {
	vfs.FS
	last, log atomic.Pointer[string] // of all files, and of those of the write-ahead log
}

// Open implements vfs.FS.
func (l *lastOpened) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	l.last.Store(&name)
	if strings.HasSuffix(name, ".log") {
		l.log.Store(&name)
	}
	return l.FS.Open(name, opts...)
}

func (l *lastOpened) name() string {
	if name := l.last.Load(); name != nil {
		return *name
	}
	return "an unknown file"
}

// close ends a store that was opened for writing.
func (s *store) close() error { return errors.Join(s.db.Close(), s.ack.close()) }

func pebbleOptions(fs vfs.FS, log *slog.Logger) *pebble.Options {
	o := &pebble.Options{
		FS:                 fs,
		FormatMajorVersion: pebble.FormatNewest,
		Logger:             pebbleLog{log},
		CacheSize:          64 << 20,
		MaxOpenFiles:       tableFiles(),
		MemTableSize:       16 << 20,
		// Two memtables may wait for their flush: more only lengthens the replay after a crash.
		MemTableStopWritesThreshold: 3,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       24,
		// By default the process would end; here the read that met it fails.
		EventListener: &pebble.EventListener{DataCorruption: func(i pebble.DataCorruptionInfo) {
			log.Error("event log is damaged", "file", i.Path, "error", i.Details)
		}},
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		o.Levels[i].BlockSize = 16 << 10
	}
	return o
}

// get copies the value of a key; nil without an error means that there is none.
func (s *store) get(key []byte) ([]byte, error) {
	v, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the event log: %w", err)
	}
	out := append(make([]byte, 0, len(v)), v...)
	return out, closer.Close()
}

// state is the stored state of a stream, also of one that does not exist.
func (s *store) state(stream string) (streamState, error) {
	b, err := s.get(stateKey(stream))
	if err != nil || b == nil {
		return newStreamState(stream), err
	}
	return decodeStreamState(stream, b)
}

// at is the record at exactly this position, nil when there is none.
func (s *store) at(position uint64) (*record, error) {
	b, err := s.get(logKey(position))
	if err != nil || b == nil {
		return nil, err
	}
	return decodeRecord(position, b)
}

// revision is one event of a stream, nil when there is none.
func (s *store) revision(st streamState, revision int64) (*record, error) {
	if st.Index == 0 || revision < 0 {
		return nil, nil
	}
	b, err := s.get(indexKey(st.Index, revision))
	if err != nil || b == nil {
		return nil, err
	}
	if len(b) != 8 {
		return nil, fmt.Errorf("%w: index entry %d of stream %d has %d bytes", errCorrupt, revision, st.Index, len(b))
	}
	return s.at(binary.BigEndian.Uint64(b))
}

// indexed tells whether the index and the state of its stream know a record.
func (s *store) indexed(st streamState, r *record) error {
	b, err := s.get(indexKey(st.Index, r.Revision))
	switch {
	case err != nil:
		return err
	case len(b) != 8 || binary.BigEndian.Uint64(b) != r.Position:
		return fmt.Errorf("%w: the index does not lead to position %d, revision %d of stream %q", errCorrupt, r.Position, r.Revision, r.Stream)
	case st.Last < r.Revision && r.Revision != tombstoneRevision:
		return fmt.Errorf("%w: position %d has revision %d of stream %q, whose state ends at %d", errCorrupt, r.Position, r.Revision, r.Stream, st.Last)
	}
	return nil
}

// records are all records of the log in order.
func (s *store) records(ctx context.Context) iter.Seq2[*record, error] {
	return func(yield func(*record, error) bool) {
		for from := uint64(0); ; {
			page, err := s.logPage(from, maxRevision, false)
			if err = errors.Join(err, ctx.Err()); err != nil {
				yield(nil, err)
				return
			}
			if len(page) == 0 {
				return
			}
			for _, r := range page {
				if !yield(r, nil) {
					return
				}
			}
			from = page[len(page)-1].Position + 1
		}
	}
}

// head is the position of the newest record, 0 in an empty log.
func (s *store) head() (uint64, error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: logKey(0), UpperBound: []byte{logSpace + 1}})
	if err != nil {
		return 0, fmt.Errorf("read the head of the log: %w", err)
	}
	var head uint64
	if it.Last() {
		head = binary.BigEndian.Uint64(it.Key()[1:])
	}
	return head, errors.Join(it.Error(), it.Close())
}

// pebbleLog hands Pebble's messages on: what it does is of interest when debugging only.
type pebbleLog struct{ log *slog.Logger }

func (p pebbleLog) Infof(format string, args ...any) {
	p.log.Debug("pebble", "message", fmt.Sprintf(format, args...))
}

func (p pebbleLog) Errorf(format string, args ...any) {
	p.log.Error("pebble", "message", fmt.Sprintf(format, args...))
}

// Fatalf panics where Pebble cannot go on; the writer recovers from it, anything else must end the process.
func (p pebbleLog) Fatalf(format string, args ...any) {
	panic(fatalStoreError{fmt.Sprintf(format, args...)})
}

// fatalStoreError is what Pebble panics with through pebbleLog.
type fatalStoreError struct{ message string }

func (e fatalStoreError) Error() string { return "the event log cannot be written: " + e.message }
