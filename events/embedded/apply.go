package embedded

import (
	"encoding/binary"

	"github.com/google/uuid"
)

// softDelete is the metadata that hides a stream.
const softDelete = `{"$tb":9223372036854775807}`

// applyToStream decides a write to a stream and carries it out in the group.
func (w *writer) applyToStream(p *write) (outcome, error) {
	st, err := w.state(p.stream)
	if err != nil {
		return outcome{}, err
	}
	ids := make([]uuid.UUID, len(p.events))
	for i, e := range p.events {
		ids[i] = e.ID
	}
	if p.kind != kindAppend {
		ids = []uuid.UUID{uuid.New()}
	}
	v, at, err := decide(p.stream, st, p.expect, ids, w)
	if err != nil {
		return outcome{}, err
	}
	if p.kind == kindDelete && v == verdictWrite && st.Last < 0 {
		exists, err := w.hasMetadata(p.stream)
		if err != nil {
			return outcome{}, err
		}
		if !exists {
			v = verdictConflict
		}
	}
	o := outcome{verdict: v, at: at, current: st.Last}
	if v == verdictAlready && at.Position == 0 {
		o.at.Position = w.head
	}
	if v != verdictWrite {
		return o, nil
	}
	switch p.kind {
	case kindDelete:
		o.at, err = w.setMetadata(p.stream, []byte(softDelete))
	case kindTombstone:
		o.at, err = w.tombstone(p.stream, st)
	default:
		o.at, err = w.append(p.stream, st, p.events)
	}
	if err != nil {
		w.fail(err) // part of the write is in the group already
	}
	return o, err
}

// append adds events to a stream, and brings it back if it was soft-deleted.
func (w *writer) append(stream string, st streamState, events []*record) (place, error) {
	first := st.Last + 1
	var revived string
	var metadata []byte
	recreate := first
	switch {
	case st.softDeleted():
		old, err := w.metadata(stream)
		if err != nil {
			return place{}, err
		}
		revived, metadata = stream, old
	case isMetastream(stream):
		original, err := w.state(originalOf(stream))
		if err != nil {
			return place{}, err
		}
		if original.softDeleted() {
			revived, metadata, recreate = originalOf(stream), events[len(events)-1].Data, original.Last+1
		}
	}
	at, err := w.write(stream, st, events)
	if err != nil || revived == "" {
		return at, err
	}
	if metadata, ok := withTruncateBefore(metadata, recreate); ok {
		if _, err := w.setMetadata(revived, metadata); err != nil {
			return place{}, err
		}
	}
	return at, nil
}

// metadata is the newest metadata of a stream, nil when there is none.
func (w *writer) metadata(stream string) ([]byte, error) {
	meta, err := w.state(metaPrefix + stream)
	if err != nil || meta.Last < 0 {
		return nil, err
	}
	r, err := w.recorded(meta, meta.Last)
	if err != nil || r == nil {
		return nil, err
	}
	return r.Data, nil
}

func (w *writer) setMetadata(stream string, data []byte) (place, error) {
	meta, err := w.state(metaPrefix + stream)
	if err != nil {
		return place{}, err
	}
	return w.write(metaPrefix+stream, meta, []*record{{ID: uuid.New(), Type: typeMetadata, JSON: true, Data: data}})
}

func (w *writer) tombstone(stream string, st streamState) (place, error) {
	r := &record{Stream: stream, Revision: tombstoneRevision, ID: uuid.New(), Type: typeStreamDeleted}
	if err := w.add(&st, r); err != nil {
		return place{}, err
	}
	return place{r.Revision, r.Position}, w.keep(stream, st, r)
}

// write adds events behind the last of a stream.
func (w *writer) write(stream string, st streamState, events []*record) (place, error) {
	for _, r := range events {
		r.Stream, r.Revision = stream, st.Last+1
		if err := w.add(&st, r); err != nil {
			return place{}, err
		}
	}
	last := events[len(events)-1]
	return place{last.Revision, last.Position}, w.keep(stream, st, last)
}

// keep takes the new state of a stream into the group; the newest in a metastream decides the limits of its stream.
func (w *writer) keep(stream string, st streamState, last *record) error {
	w.dirty[stream] = st
	if !isMetastream(stream) || last.Revision == tombstoneRevision {
		return nil
	}
	original, err := w.state(originalOf(stream))
	if err != nil {
		return err
	}
	original.limit(last)
	w.dirty[originalOf(stream)] = original
	return nil
}

// add gives a record its position and date and puts it into the group.
func (w *writer) add(st *streamState, r *record) error {
	w.head++
	r.Position, r.Created = w.head, w.now()
	return w.put(st, r)
}

// put takes a record and its index entry into the group.
func (w *writer) put(st *streamState, r *record) error {
	st.add(r)
	w.known.add(st.Index, r.ID, place{r.Revision, r.Position})
	w.buffer = r.appendTo(w.buffer[:0])
	w.bytes += len(w.buffer)
	w.records = append(w.records, r)
	b := w.open()
	if err := b.Set(logKey(r.Position), w.buffer, nil); err != nil {
		return err
	}
	return b.Set(indexKey(st.Index, r.Revision), binary.BigEndian.AppendUint64(nil, r.Position), nil)
}
