// Package chain makes tampering with a log evident: a hash chain runs over every event, its heads are written to a file
// outside of the log, and a check holds the log against them and reports what was done to it, and where.
package chain

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"annals/events"
)

// digest is a hash over what a store has of an event, but for its position in the log and the time that the store gave it.
type digest [sha256.Size]byte

// digestOf hashes stream, id, type, data and metadata, as they are stored.
func digestOf(r events.Raw) digest {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(r.Stream), r.ID[:], []byte(r.Type), r.Data, r.Metadata} {
		writeNumber(h, uint64(len(part)))
		_, _ = h.Write(part) // never fails, see hash.Hash
	}
	return digest(h.Sum(nil))
}

// Hash is a hash over every event up to one, in their order: if any of them is changed, removed, inserted or moved, it is
// another. The zero Hash is that of an empty log.
type Hash [sha256.Size]byte

// next is the hash with one more event.
func (c Hash) next(r events.Raw, d digest) Hash {
	h := sha256.New()
	_, _ = h.Write(c[:])
	writeNumber(h, uint64(r.Position))
	writeNumber(h, r.Revision)
	writeNumber(h, uint64(r.Created.UnixNano()/100)) // the store's clock knows no less
	_, _ = h.Write(d[:])
	return Hash(h.Sum(nil))
}

func writeNumber(h hash.Hash, n uint64) {
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, n))
}
