package embedded

import "github.com/google/uuid"

// state is the stream's state with the group applied. A metastream shares the tombstone of its stream.
func (w *writer) state(stream string) (streamState, error) {
	st, ok := w.dirty[stream]
	if !ok {
		st, ok = w.states.Get(stream)
	}
	if !ok {
		var err error
		if st, err = w.store.state(stream); err != nil {
			return st, err
		}
		w.states.Add(stream, st)
	}
	if isMetastream(stream) && !st.Tombstoned {
		original, err := w.state(originalOf(stream))
		if err != nil {
			return st, err
		}
		st.Tombstoned = original.Tombstoned
	}
	return st, nil
}

// recent implements history.
func (w *writer) recent(st streamState, id uuid.UUID) (place, bool) {
	return w.known.find(st.Index, id)
}

// recorded implements history. Events of the group itself are committed first, so that they can be read.
func (w *writer) recorded(st streamState, revision int64) (*record, error) {
	if head, _ := w.tail.position(); st.Position > head {
		w.flush()
		if w.failed != nil {
			return nil, w.failed
		}
	}
	return w.store.revision(st, revision)
}

// hasMetadata implements history.
func (w *writer) hasMetadata(stream string) (bool, error) {
	meta, err := w.state(metaPrefix + stream)
	return meta.Last >= 0, err
}
