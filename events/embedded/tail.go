package embedded

import (
	"context"
	"sort"
	"sync"
)

// The newest records are kept in memory for the subscriptions that are live.
const (
	tailRecords = 4096
	tailBytes   = 8 << 20
)

// tail is the published end of the log: what is in it is on disk, and everybody may see it.
type tail struct {
	mu      sync.Mutex
	head    uint64
	floor   uint64    // position of the newest record that is no longer (or was never) in memory
	records []*record // ascending, all after floor
	bytes   int
	news    chan struct{} // closed when the head moves
}

func newTail(head uint64) *tail {
	return &tail{head: head, floor: head, news: make(chan struct{})}
}

// publish makes committed records visible and wakes everybody who waits for them.
func (t *tail) publish(records []*record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range records {
		t.bytes += len(r.Data) + len(r.Metadata)
	}
	t.records = append(t.records, records...)
	t.head = records[len(records)-1].Position
	for len(t.records) > tailRecords || t.bytes > tailBytes {
		r := t.records[0]
		t.bytes -= len(r.Data) + len(r.Metadata)
		t.floor = r.Position
		t.records = t.records[1:]
	}
	close(t.news)
	t.news = make(chan struct{})
}

// position is the published head, with a channel that is closed when it moves.
func (t *tail) position() (uint64, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.head, t.news
}

// after is the next page of records after a position. It reports false when they have left memory: read them from disk.
func (t *tail) after(position uint64) ([]*record, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if position >= t.head {
		return nil, true
	}
	if position < t.floor {
		return nil, false
	}
	i := sort.Search(len(t.records), func(i int) bool { return t.records[i].Position > position })
	end := min(len(t.records), i+pageRecords)
	return t.records[i:end:end], true
}

// reached waits until everything up to a position is published.
func (t *tail) reached(ctx context.Context, position uint64) error {
	for {
		head, news := t.position()
		if head >= position {
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
