package embedded

import "context"

// feed hands out a stream or $all forwards, page by page: from disk, and from memory at the end.
type feed struct {
	node     *Node
	stream   string // empty: $all
	revision int64  // of a stream: the last that was handed out
	position uint64 // everything up to here was looked at
	live     bool   // of a stream: the index was read to the end
	disk     bool   // the last page did not come from memory
}

// next is the next page. When it is empty, ask again after news. A tombstoned stream ends with errStreamDeleted, after its
// last event was handed out.
func (f *feed) next(ctx context.Context) ([]*record, <-chan struct{}, error) {
	for {
		head, news := f.node.tail.position()
		page, inMemory := f.node.tail.after(f.position)
		if f.stream == "" {
			page, err := f.nextOfAll(page, inMemory, head)
			return page, news, err
		}
		if !inMemory || !f.live {
			page, err := f.nextOnDisk(ctx)
			if err != nil || len(page) > 0 {
				return page, news, err
			}
			continue
		}
		f.disk = false
		if matching := f.pick(page); len(matching) > 0 || len(page) == 0 {
			return matching, news, nil
		}
	}
}

func (f *feed) nextOfAll(page []*record, inMemory bool, head uint64) (_ []*record, err error) {
	if f.disk = !inMemory; f.disk {
		if page, err = f.node.store.logPage(f.position+1, head, false); err != nil {
			return nil, err
		}
	}
	if len(page) > 0 {
		f.position = page[len(page)-1].Position
	}
	return page, nil
}

func (f *feed) nextOnDisk(ctx context.Context) ([]*record, error) {
	st, head, err := f.node.view(ctx, f.stream)
	if err != nil {
		return nil, err
	}
	var page []*record
	if f.revision < tombstoneRevision {
		if page, err = f.node.store.streamPage(st, f.revision+1, head, pageRecords, false); err != nil {
			return nil, err
		}
	}
	if len(page) > 0 {
		f.live, f.disk, f.revision = false, true, page[len(page)-1].Revision
		return page, nil
	}
	if st.Tombstoned {
		return nil, errStreamDeleted(f.stream)
	}
	f.live, f.position = true, head
	return nil, nil
}

// pick selects what belongs to the stream from a page of memory.
func (f *feed) pick(page []*record) (matching []*record) {
	for _, r := range page {
		f.position = r.Position
		if r.Stream == f.stream && r.Revision > f.revision {
			f.revision = r.Revision
			matching = append(matching, r)
		}
	}
	return matching
}
