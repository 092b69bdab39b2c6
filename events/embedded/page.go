package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// A page bounds what a reader holds in memory ahead of its client.
const (
	pageRecords = 512
	pageBytes   = 256 << 10
)

// logPage reads records from the log: forwards those at and after from, backwards those before it, never beyond head. An
// empty page means that there are no more. Iterators live for one page, so that a slow client pins no files.
func (s *store) logPage(from, head uint64, backwards bool) ([]*record, error) {
	bounds := &pebble.IterOptions{LowerBound: logKey(from), UpperBound: logKey(head + 1)}
	if backwards {
		bounds = &pebble.IterOptions{LowerBound: logKey(0), UpperBound: logKey(min(from, head+1))}
	}
	it, err := s.db.NewIter(bounds)
	if err != nil {
		return nil, fmt.Errorf("read the log at %d: %w", from, err)
	}
	step, valid := it.Next, it.First
	if backwards {
		step, valid = it.Prev, it.Last
	}
	var page []*record
	size := 0
	for ok := valid(); ok && len(page) < pageRecords && size < pageBytes; ok = step() {
		var r *record
		if r, err = decodeCopy(it); err != nil {
			break
		}
		size += len(r.Data) + len(r.Metadata)
		page = append(page, r)
	}
	return page, errors.Join(err, it.Error(), it.Close())
}

// streamPage reads events of a stream from a revision (inclusive both ways) on, as far as they are published.
func (s *store) streamPage(st streamState, from int64, head uint64, limit int, backwards bool) ([]*record, error) {
	first := st.firstVisible()
	bounds := &pebble.IterOptions{LowerBound: indexKey(st.Index, max(from, first)), UpperBound: indexKey(st.Index+1, 0)}
	if backwards {
		bounds = &pebble.IterOptions{LowerBound: indexKey(st.Index, first), UpperBound: indexKey(st.Index, from+1)}
	}
	if st.Index == 0 || (backwards && from < first) {
		return nil, nil
	}
	it, err := s.db.NewIter(bounds)
	if err != nil {
		return nil, fmt.Errorf("read the index of stream %d: %w", st.Index, err)
	}
	step, valid := it.Next, it.First
	if backwards {
		step, valid = it.Prev, it.Last
	}
	positions := make([]uint64, 0, min(limit, pageRecords))
	for ok := valid(); ok && len(positions) < min(limit, pageRecords); ok = step() {
		v := it.Value()
		if len(v) != 8 {
			err = fmt.Errorf("%w: an index entry of stream %d has %d bytes", errCorrupt, st.Index, len(v))
			break
		}
		if p := binary.BigEndian.Uint64(v); p <= head {
			positions = append(positions, p)
		}
	}
	if err = errors.Join(err, it.Error(), it.Close()); err != nil {
		return nil, err
	}
	return s.recordsAt(positions)
}

// recordsAt reads the records of an index page, fewer when they are large.
func (s *store) recordsAt(positions []uint64) ([]*record, error) {
	if len(positions) == 0 {
		return nil, nil
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: logKey(0), UpperBound: []byte{logSpace + 1}})
	if err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	page := make([]*record, 0, len(positions))
	size := 0
	for _, p := range positions {
		if size >= pageBytes {
			break
		}
		var r *record
		if !it.SeekGE(logKey(p)) || binary.BigEndian.Uint64(it.Key()[1:]) != p {
			err = fmt.Errorf("%w: the index points to position %d, which the log does not have", errCorrupt, p)
			break
		}
		if r, err = decodeCopy(it); err != nil {
			break
		}
		size += len(r.Data) + len(r.Metadata)
		page = append(page, r)
	}
	return page, errors.Join(err, it.Error(), it.Close())
}

// decodeCopy decodes the record under an iterator, whose buffers do not outlive its next step.
func decodeCopy(it *pebble.Iterator) (*record, error) {
	v, err := it.ValueAndErr()
	if err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	return decodeRecord(binary.BigEndian.Uint64(it.Key()[1:]), append(make([]byte, 0, len(v)), v...))
}
