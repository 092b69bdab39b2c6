package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// scrubPause after each page leaves the disk to others.
const scrubPause = 2 * time.Millisecond

// scrub reads the whole database once after a start, behind everybody else: damage is told before somebody needs what is
// damaged. What a start cannot do without is checked before it serves.
func (n *Node) scrub() {
	defer close(n.scrubbed)
	pause := time.NewTicker(scrubPause)
	defer pause.Stop()
	for from := []byte{0}; from != nil; {
		var err error
		if from, err = n.store.scrubPage(from); err != nil {
			n.log.Error("event log is damaged: annals eventstore verify tells how much, a backup has what is lost", "error", err)
			return
		}
		select {
		case <-pause.C:
		case <-n.closing:
			return
		}
	}
}

// scrubPage reads some keys and values and gives the key to go on from, nil at the end.
func (s *store) scrubPage(from []byte) (next []byte, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: from})
	if err != nil {
		return nil, fmt.Errorf("read the event log: %w", err)
	}
	size := 0
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		if size >= pageBytes {
			next = slices.Clone(it.Key())
			break
		}
		var value []byte
		if value, err = it.ValueAndErr(); err == nil && it.Key()[0] == logSpace && len(it.Key()) == 9 {
			_, err = decodeRecord(binary.BigEndian.Uint64(it.Key()[1:]), slices.Clone(value))
		}
		size += len(it.Key()) + len(value)
	}
	return next, errors.Join(err, it.Error(), it.Close())
}
