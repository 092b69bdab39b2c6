package embedded

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// streamState is what a decision or a read needs to know of a stream; it is stored under the stream's name.
type streamState struct {
	// Index is the stream's number in the index: the position of its first event, 0 before that.
	Index uint64
	// Last is the last revision, -1 without events; tombstoneRevision never appears here.
	Last int64
	// Tombstoned streams accept nothing any more.
	Tombstoned bool
	// Position is that of the newest record that changed this state, in the stream or in its metastream.
	Position uint64
	// Limits come from the newest event of the metastream.
	Limits limits
}

// limits hide the older events of a stream from its readers. Zero values limit nothing.
type limits struct {
	MaxCount int64
	MaxAge   time.Duration
	Before   int64 // $tb: the first revision that is visible; deletedBefore hides the stream
}

// deletedBefore is the $tb of a soft-deleted stream.
const deletedBefore = int64(^uint64(0) >> 1)

func newStreamState(name string) streamState {
	return streamState{Last: -1, Limits: limitsOf(name, nil)}
}

// add takes note of the next event of the stream.
func (s *streamState) add(r *record) {
	if s.Index == 0 {
		s.Index = r.Position
	}
	s.Position = r.Position
	if r.Revision == tombstoneRevision {
		s.Tombstoned = true
	} else {
		s.Last = r.Revision
	}
}

// limit takes note of the next event of the stream's metastream.
func (s *streamState) limit(metadata *record) {
	s.Limits = limitsOf(originalOf(metadata.Stream), metadata.Data)
	s.Position = metadata.Position
}

func (s *streamState) softDeleted() bool { return !s.Tombstoned && s.Limits.Before == deletedBefore }

// firstVisible is the lowest revision that readers may see, as far as it does not depend on the date.
func (s *streamState) firstVisible() int64 {
	first := s.Limits.Before
	if s.Limits.MaxCount > 0 {
		first = max(first, s.Last-s.Limits.MaxCount+1)
	}
	return max(first, 0)
}

func (s *streamState) encode() []byte {
	tombstoned := byte(0)
	if s.Tombstoned {
		tombstoned = 1
	}
	b := append(make([]byte, 0, 32), recordVersion, tombstoned)
	b = binary.AppendUvarint(b, s.Index)
	b = binary.AppendUvarint(b, uint64(s.Last+1))
	b = binary.AppendUvarint(b, s.Position)
	b = binary.AppendUvarint(b, uint64(s.Limits.MaxCount))
	b = binary.AppendUvarint(b, uint64(s.Limits.MaxAge))
	return binary.AppendUvarint(b, uint64(s.Limits.Before))
}

func decodeStreamState(name string, b []byte) (streamState, error) {
	if len(b) < 2 || b[0] != recordVersion {
		return streamState{}, fmt.Errorf("%w: the state of stream %q has an unknown format", errCorrupt, name)
	}
	f := fields{rest: b[2:]}
	s := streamState{Tombstoned: b[1] == 1}
	s.Index = f.number()
	s.Last = int64(f.number()) - 1
	s.Position = f.number()
	s.Limits = limits{MaxCount: int64(f.number()), MaxAge: time.Duration(f.number()), Before: int64(f.number())}
	if f.short || len(f.rest) != 0 {
		return streamState{}, fmt.Errorf("%w: the state of stream %q is cut short", errCorrupt, name)
	}
	return s, nil
}

// A metastream holds the metadata of the stream named after the two dollars.
const metaPrefix = "$$"

func isMetastream(name string) bool { return strings.HasPrefix(name, metaPrefix) }

func originalOf(metastream string) string { return strings.TrimPrefix(metastream, metaPrefix) }

// limitsOf are the limits of a stream with this metadata: of a metastream only the newest event is ever visible.
func limitsOf(stream string, metadata []byte) limits {
	l := parseLimits(metadata)
	if isMetastream(stream) {
		l.MaxCount = 1
	}
	return l
}

// parseLimits reads the keys of stream metadata that EventStoreDB acts upon; what is no JSON object of the right types
// counts as no metadata at all.
func parseLimits(data []byte) limits {
	var m struct {
		MaxCount *int64 `json:"$maxCount"`
		MaxAge   *int64 `json:"$maxAge"`
		Before   *int64 `json:"$tb"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return limits{}
	}
	var l limits
	if m.MaxCount != nil && *m.MaxCount > 0 {
		l.MaxCount = *m.MaxCount
	}
	if m.MaxAge != nil && *m.MaxAge > 0 {
		const longest = int64((1<<63 - 1) / time.Second)
		l.MaxAge = time.Duration(min(*m.MaxAge, longest)) * time.Second
	}
	if m.Before != nil && *m.Before > 0 {
		l.Before = *m.Before
	}
	return l
}

// withTruncateBefore sets $tb in stream metadata and keeps its other keys. It reports false for what is no JSON object.
func withTruncateBefore(data []byte, before int64) ([]byte, bool) {
	keys := map[string]json.RawMessage{}
	if len(data) > 0 {
		if err := json.Unmarshal(data, &keys); err != nil || keys == nil {
			return nil, false
		}
	}
	keys["$tb"] = json.RawMessage(fmt.Sprint(before))
	out, err := json.Marshal(keys)
	return out, err == nil
}
