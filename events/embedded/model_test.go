package embedded_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// model is a log as plainly as it can be said.
type model struct {
	base    uint64 // the position before its first event
	log     []modelEvent
	streams map[string][]int // places in log; a tombstone is in no stream
	gone    map[string]bool  // tombstoned
}

type modelEvent struct {
	stream   string
	revision int64
	position uint64
	id       uuid.UUID // Nil where the node chose it
	data     string
}

func (m *model) head() uint64 { return m.base + uint64(len(m.log)) }

func (m *model) last(stream string) int64 { return int64(len(m.streams[stream])) - 1 }

func (m *model) dead(stream string) bool { return m.gone[strings.TrimPrefix(stream, "$$")] }

// limits are what the newest metadata say.
func (m *model) limits(stream string) (before, maxCount int64) {
	if strings.HasPrefix(stream, "$$") {
		return 0, 1
	}
	meta := m.streams["$$"+stream]
	if len(meta) == 0 {
		return 0, 0
	}
	var keys struct {
		Before   int64 `json:"$tb"`
		MaxCount int64 `json:"$maxCount"`
	}
	if json.Unmarshal([]byte(m.log[meta[len(meta)-1]].data), &keys) != nil {
		return 0, 0
	}
	return keys.Before, keys.MaxCount
}

func (m *model) deleted(stream string) bool {
	before, _ := m.limits(stream)
	return before == math.MaxInt64
}

func (m *model) add(stream string, id uuid.UUID, data string) {
	m.streams[stream] = append(m.streams[stream], len(m.log))
	m.log = append(m.log, modelEvent{stream, m.last(stream), m.head() + 1, id, data})
}

// at is an outcome of the form that raw.outcome has.
func (m *model) at(stream string, revision int64) string {
	return fmt.Sprintf("%d@%d", revision, m.log[m.streams[stream][revision]].position)
}

// decide is "write", "deleted", "conflict CURRENT" or, for what was written before, where.
func (m *model) decide(stream string, expect int64, ids []uuid.UUID) string {
	last := m.last(stream)
	conflict := fmt.Sprint("conflict ", last)
	if last < 0 {
		conflict = "conflict none"
	}
	switch {
	case m.dead(stream), expect == exists && m.deleted(stream):
		return "[stream-deleted]"
	case expect == exists && last < 0 && m.last("$$"+stream) < 0, expect > last:
		return conflict
	case len(ids) == 0 && last < 0:
		return "none"
	case len(ids) == 0:
		return fmt.Sprintf("%d@%d", last, m.head())
	case expect == last:
		return "write"
	}
	places := m.places(stream, expect, ids)
	switch {
	case !slices.Contains(places, -1):
		return m.at(stream, places[len(places)-1])
	case places[0] < 0 && (expect < noStream || expect == noStream && m.deleted(stream)):
		return "write"
	}
	return conflict
}

// places are the revisions at which the events stand already, -1 for those that do not: anywhere in the stream without an
// expected revision, and right behind it with one.
func (m *model) places(stream string, expect int64, ids []uuid.UUID) []int64 {
	places := make([]int64, len(ids))
	for i, id := range ids {
		places[i] = -1
		for revision, place := range m.streams[stream] {
			if places[i] < 0 && m.log[place].id == id && (expect < noStream || int64(revision) == expect+1+int64(i)) {
				places[i] = int64(revision)
			}
		}
	}
	return places
}

func (m *model) append(stream string, expect int64, ids []uuid.UUID, data string) string {
	verdict := m.decide(stream, expect, ids)
	if verdict != "write" {
		return verdict
	}
	original := strings.TrimPrefix(stream, "$$")
	revived, next := m.deleted(original), m.last(original)+1
	for _, id := range ids {
		m.add(stream, id, data)
	}
	outcome := m.at(stream, m.last(stream))
	if revived {
		m.revive(original, next, data, stream != original)
	}
	return outcome
}

// revive writes the metadata that bring a deleted stream back: those just written, or those that deleted it, with a $tb.
func (m *model) revive(stream string, next int64, data string, written bool) {
	keys := map[string]any{}
	if written && json.Unmarshal([]byte(data), &keys) != nil {
		return
	}
	keys["$tb"] = next
	b, _ := json.Marshal(keys)
	m.add("$$"+stream, uuid.Nil, string(b))
}

func (m *model) delete(stream string, expect int64) string {
	verdict := m.decide(stream, expect, []uuid.UUID{uuid.New()})
	if verdict == "write" && m.last(stream) < 0 && m.last("$$"+stream) < 0 {
		verdict = "conflict none"
	}
	if verdict == "write" {
		m.add("$$"+stream, uuid.Nil, fmt.Sprintf(`{"$tb":%d}`, int64(math.MaxInt64)))
	}
	return verdict
}

func (m *model) tombstone(stream string, expect int64) string {
	verdict := m.decide(stream, expect, []uuid.UUID{uuid.New()})
	if verdict == "write" {
		m.gone[stream] = true
		m.log = append(m.log, modelEvent{stream, math.MaxInt64, m.head() + 1, uuid.Nil, ""})
	}
	return verdict
}

// read is what a reader gets of a stream: "deleted", "missing", or events.
func (m *model) read(stream string, from int64, backwards bool, count int) (string, []modelEvent) {
	if m.dead(stream) {
		return "deleted", nil
	}
	if m.last(stream) < 0 || m.deleted(stream) {
		return "missing", nil
	}
	before, maxCount := m.limits(stream)
	if maxCount > 0 {
		before = max(before, m.last(stream)-maxCount+1)
	}
	var found []modelEvent
	for revision, place := range m.streams[stream] {
		r := int64(revision)
		if r >= before && (backwards && r <= from || !backwards && r >= from) {
			found = append(found, m.log[place])
		}
	}
	if backwards {
		slices.Reverse(found)
	}
	return "", found[:min(count, len(found))]
}
