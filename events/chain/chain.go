// Package chain makes tampering with a log evident. A hash chain and a Merkle tree run over every event. Their heads are signed and
// written to a file outside of the log. A check holds the log against the heads and reports what was done to it, and where. A proof
// shows in a few hundred bytes, without the log, that a signed head covers an event, or that it goes on from an earlier head.
package chain

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"time"

	"annals/events"
)

// digest is a hash over what a store has of an event, but for its position in the log and the time that the store gave it.
type digest = Hash

// digestOf hashes stream, id, type, data and metadata, as they are stored.
func digestOf(r events.Raw) digest {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(r.Stream), r.ID[:], []byte(r.Type), r.Data, r.Metadata} {
		writeNumber(h, uint64(len(part)))
		_, _ = h.Write(part) // never fails, see hash.Hash
	}
	return digest(h.Sum(nil))
}

func writeNumber(h hash.Hash, n uint64) {
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, n))
}

// Hash is a SHA-256 hash, written in hexadecimal digits. That of the chain is over every event up to one, in their order: if any of
// them is changed, removed, inserted or moved, it is another. The zero Hash is that of an empty log.
type Hash [sha256.Size]byte

// next is the hash of the chain with one more event.
func (c Hash) next(e Entry) Hash {
	return sha256.Sum256(append(c[:], e.record()...))
}

// MarshalText implements encoding.TextMarshaler.
func (c Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, c[:]), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Hash) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != len(c) {
		return fmt.Errorf("%.80q is no hash of %d hexadecimal digits", text, 2*len(c))
	}
	*c = Hash(b)
	return nil
}

// Entry is what the chain and the tree know of an event.
type Entry struct {
	Position events.Position `json:"position"`
	Revision uint64          `json:"revision"`
	Created  uint64          `json:"created" doc:"When the store took the event, in units of 100 ns since 1970: stores know no less."`
	Digest   Hash            `json:"digest" doc:"SHA-256 over stream, id, type, data and metadata as they are stored, each behind its length in 8 bytes."`
}

func entryOf(r events.Raw) Entry {
	return Entry{Position: r.Position, Revision: r.Revision, Created: uint64(r.Created.UnixNano() / 100), Digest: digestOf(r)}
}

// entrySize is that of a record, in bytes.
const entrySize = 3*8 + sha256.Size

// record is the entry as it is hashed, and kept in a file.
func (e Entry) record() []byte {
	b := make([]byte, 0, entrySize)
	for _, n := range []uint64{uint64(e.Position), e.Revision, e.Created} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return append(b, e.Digest[:]...)
}

// entryFrom reads what record wrote.
func entryFrom(b []byte) Entry {
	n := binary.BigEndian.Uint64
	return Entry{Position: events.Position(n(b)), Revision: n(b[8:]), Created: n(b[16:]), Digest: Hash(b[24:entrySize])}
}

// Time is when the store took the event.
func (e Entry) Time() time.Time {
	return time.Unix(int64(e.Created/1e7), int64(e.Created%1e7)*100).UTC()
}
