package chain

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"annals/events"
)

// Digest is a hash over what a store has of a fact, but for where it stands in the log and when the store took it.
type Digest [sha256.Size]byte

// DigestOf hashes stream, id, type, data and metadata, as they are stored.
func DigestOf(r events.Raw) Digest {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(r.Stream), r.ID[:], []byte(r.Type), r.Data, r.Metadata} {
		writeNumber(h, uint64(len(part)))
		_, _ = h.Write(part) // never fails, see hash.Hash
	}
	return Digest(h.Sum(nil))
}

// Chain is a hash over every fact of ours up to one, in their order: who changes, removes, inserts or moves any of them
// gets another. The zero Chain is that of an empty log.
type Chain [sha256.Size]byte

// Next is the chain with one more fact.
func (c Chain) Next(r events.Raw, d Digest) Chain {
	h := sha256.New()
	_, _ = h.Write(c[:])
	writeNumber(h, uint64(r.Position))
	writeNumber(h, r.Revision)
	writeNumber(h, uint64(r.Created.UnixNano()/100)) // the store's clock knows no less
	_, _ = h.Write(d[:])
	return Chain(h.Sum(nil))
}

func writeNumber(h hash.Hash, n uint64) {
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, n))
}
