package embedded

import "github.com/google/uuid"

// expectation is the revision that a write expects its stream to have: a revision, or one of the constants, which are
// EventStoreDB's own numbers and appear in its trailers.
type expectation int64

const (
	expectNoStream expectation = -1
	expectAny      expectation = -2
	expectExists   expectation = -4
)

// verdict is what becomes of a write.
type verdict int

const (
	verdictWrite    verdict = iota
	verdictAlready          // the same events were written before: answer as then
	verdictConflict         // the stream does not have the expected revision
	verdictDeleted          // the stream is deleted
)

// place is where an event was recorded.
type place struct {
	Revision int64
	Position uint64
}

// history answers what a decision must know of events that were written before.
type history interface {
	// recent is the place of an event of this stream if it is remembered: best effort.
	recent(st streamState, id uuid.UUID) (place, bool)
	// recorded is the event at a revision of the stream, nil when there is none: exact.
	recorded(st streamState, revision int64) (*record, error)
	// hasMetadata tells whether the stream's metastream has events.
	hasMetadata(stream string) (bool, error)
}

// decide is EventStoreDB's rule for a write of events with these ids: expected revision first, idempotency by event id
// where the expectation fails. The place is that of the last event for verdictAlready.
func decide(stream string, st streamState, expect expectation, ids []uuid.UUID, h history) (verdict, place, error) {
	if st.Tombstoned {
		return verdictDeleted, place{}, nil
	}
	if expect == expectExists {
		if st.softDeleted() {
			return verdictDeleted, place{}, nil
		}
		if st.Last < 0 {
			exists, err := h.hasMetadata(stream)
			if err != nil || !exists {
				return verdictConflict, place{}, err
			}
		}
	}
	switch {
	case len(ids) == 0 && int64(expect) <= st.Last:
		return verdictAlready, place{Revision: st.Last}, nil
	case expect == expectAny || expect == expectExists:
		v, at := decideByRecent(st, ids, h)
		return v, at, nil
	case int64(expect) == st.Last:
		return verdictWrite, place{}, nil
	case int64(expect) > st.Last:
		return verdictConflict, place{}, nil
	}
	return decideByRecorded(st, expect, ids, h)
}

// decideByRecent: without an expected revision the events are the same if all of them are remembered.
func decideByRecent(st streamState, ids []uuid.UUID, h history) (verdict, place) {
	var at place
	for i, id := range ids {
		p, ok := h.recent(st, id)
		switch {
		case !ok && i == 0:
			return verdictWrite, place{}
		case !ok:
			return verdictConflict, place{}
		}
		at = p
	}
	return verdictAlready, at
}

// decideByRecorded: an older expected revision is met if exactly these events follow it.
func decideByRecorded(st streamState, expect expectation, ids []uuid.UUID, h history) (verdict, place, error) {
	var at place
	for i, id := range ids {
		r, err := h.recorded(st, int64(expect)+1+int64(i))
		if err != nil {
			return 0, place{}, err
		}
		if r == nil || r.ID != id {
			if i == 0 && expect == expectNoStream && st.softDeleted() {
				return verdictWrite, place{}, nil
			}
			return verdictConflict, place{}, nil
		}
		at = place{r.Revision, r.Position}
	}
	return verdictAlready, at, nil
}
