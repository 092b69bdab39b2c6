package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/google/uuid"
)

// Event types and revisions that EventStoreDB gives a meaning of its own.
const (
	typeMetadata      = "$metadata"
	typeLink          = "$>"
	typeStreamDeleted = "$streamDeleted"

	// tombstoneRevision is the revision of $streamDeleted.
	tombstoneRevision = int64(^uint64(0) >> 1)
)

// record is one event of the log. Position is its key, ascending from 1 and stable for ever.
type record struct {
	Position uint64
	Stream   string
	Revision int64
	ID       uuid.UUID
	Type     string
	JSON     bool
	Created  int64 // 100-ns ticks since the Unix epoch
	Data     []byte
	Metadata []byte
}

// errCorrupt marks a record whose checksum or framing is wrong.
var errCorrupt = errors.New("corrupt record")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const (
	recordVersion = 1
	flagJSON      = 0x80
	recordHeader  = 4 + 1 + 8 + 16
)

// ticks is the resolution in which the protocol dates events.
func ticks(t time.Time) int64 { return t.UnixNano() / 100 }

// checksum covers the position too, so that a record under another key is found out.
func checksum(position uint64, body []byte) uint32 {
	var key [8]byte
	binary.BigEndian.PutUint64(key[:], position)
	return crc32.Update(crc32.Checksum(key[:], castagnoli), castagnoli, body)
}

// appendTo appends the record as stored: checksum, version and flags, date, id, revision, then stream, type, metadata
// and data, each after its length.
func (r *record) appendTo(b []byte) []byte {
	start := len(b)
	flags := byte(recordVersion)
	if r.JSON {
		flags |= flagJSON
	}
	b = append(b, 0, 0, 0, 0, flags)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Created))
	b = append(b, r.ID[:]...)
	b = binary.AppendUvarint(b, uint64(r.Revision))
	b = append(binary.AppendUvarint(b, uint64(len(r.Stream))), r.Stream...)
	b = append(binary.AppendUvarint(b, uint64(len(r.Type))), r.Type...)
	b = append(binary.AppendUvarint(b, uint64(len(r.Metadata))), r.Metadata...)
	b = append(binary.AppendUvarint(b, uint64(len(r.Data))), r.Data...)
	binary.BigEndian.PutUint32(b[start:], checksum(r.Position, b[start+4:]))
	return b
}

// decodeRecord reads what appendTo wrote. Metadata and data alias b.
func decodeRecord(position uint64, b []byte) (*record, error) {
	if len(b) < recordHeader || checksum(position, b[4:]) != binary.BigEndian.Uint32(b) {
		return nil, fmt.Errorf("%w at position %d: the checksum does not match", errCorrupt, position)
	}
	if b[4]&^flagJSON != recordVersion {
		return nil, fmt.Errorf("%w at position %d: format %d is not known here", errCorrupt, position, b[4]&^flagJSON)
	}
	r := &record{Position: position, JSON: b[4]&flagJSON != 0, Created: int64(binary.BigEndian.Uint64(b[5:]))}
	copy(r.ID[:], b[13:29])
	f := fields{rest: b[recordHeader:]}
	r.Revision = int64(f.number())
	r.Stream = string(f.bytes())
	r.Type = string(f.bytes())
	r.Metadata = f.bytes()
	r.Data = f.bytes()
	if f.short || len(f.rest) != 0 {
		return nil, fmt.Errorf("%w at position %d: its fields do not fill it", errCorrupt, position)
	}
	return r, nil
}

// fields takes apart a sequence of numbers and length-prefixed strings; short tells that it ended early.
type fields struct {
	rest  []byte
	short bool
}

func (f *fields) number() uint64 {
	n, used := binary.Uvarint(f.rest)
	if used <= 0 {
		f.short = true
		return 0
	}
	f.rest = f.rest[used:]
	return n
}

func (f *fields) bytes() []byte {
	n := f.number()
	if f.short || n > uint64(len(f.rest)) {
		f.short = true
		return nil
	}
	b := f.rest[:n:n]
	f.rest = f.rest[n:]
	return b
}
