package embedded

import (
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
)

// idleCheckpoint is how long a filtered subscription may know of considered events without telling its client. EventStoreDB
// has no such limit, which lets the checkpoints of sparse subscriptions stand still for ever.
const idleCheckpoint = 2 * time.Second

func (r *reader) confirm() error {
	return r.send(&streams.ReadResp{Content: &streams.ReadResp_Confirmation{
		Confirmation: &streams.ReadResp_SubscriptionConfirmation{SubscriptionId: uuid.NewString()},
	}})
}

func (r *reader) caughtUp() error {
	return r.send(&streams.ReadResp{Content: &streams.ReadResp_CaughtUp_{CaughtUp: &streams.ReadResp_CaughtUp{}}})
}

// await blocks until there is news, the timer fires (nil: never), or the subscription ends with the error returned.
func (r *reader) await(news <-chan struct{}, timer <-chan time.Time) error {
	select {
	case <-news:
		return nil
	case <-timer:
		return nil
	case <-r.ctx.Done():
		return r.ctx.Err()
	case <-r.node.closing:
		return errStopped
	}
}

// allCursor is how far a subscription to $all has come.
type allCursor struct {
	*reader
	position   uint64 // the last record considered
	checkpoint uint64 // the last position that the client was told as a checkpoint
	considered uint64 // since then
}

func (r *reader) subscribeAll() error {
	head, _ := r.node.tail.position()
	c := &allCursor{reader: r, position: r.from}
	if r.from == wireEnd {
		c.position = head
	}
	c.checkpoint = c.position
	if err := r.confirm(); err != nil {
		return err
	}
	for live := false; ; {
		head, news := r.node.tail.position()
		page, inMemory := r.node.tail.after(c.position)
		if !inMemory {
			live = false
			var err error
			if page, err = r.node.store.logPage(c.position+1, head, false); err != nil {
				return err
			}
		}
		if err := c.consider(page); err != nil {
			return err
		}
		if len(page) > 0 {
			continue
		}
		if !live {
			live = true
			if err := c.tellCheckpoint(); err != nil {
				return err
			}
			if err := r.caughtUp(); err != nil {
				return err
			}
		}
		if err := c.idle(news); err != nil {
			return err
		}
	}
}

// consider delivers what matches of a page, and a checkpoint after each interval.
func (c *allCursor) consider(page []*record) error {
	for _, rec := range page {
		if c.filter.matches(rec) {
			if err := c.deliver(rec); err != nil {
				return err
			}
		}
		c.position = rec.Position
		if c.considered++; c.filter != nil && c.considered >= c.interval {
			if err := c.tellCheckpoint(); err != nil {
				return err
			}
		}
	}
	return c.ctx.Err()
}

// tellCheckpoint sends the position up to which everything was considered, unless the client has been told.
func (c *allCursor) tellCheckpoint() error {
	c.considered = 0
	if c.filter == nil || c.position <= c.checkpoint {
		return nil
	}
	c.checkpoint = c.position
	return c.send(&streams.ReadResp{Content: &streams.ReadResp_Checkpoint_{
		Checkpoint: &streams.ReadResp_Checkpoint{CommitPosition: c.position, PreparePosition: c.position},
	}})
}

// idle waits for news; a client that was not told a checkpoint for long is told one meanwhile.
func (c *allCursor) idle(news <-chan struct{}) error {
	if c.filter == nil || c.considered == 0 {
		return c.await(news, nil)
	}
	timer := time.NewTimer(idleCheckpoint)
	defer timer.Stop()
	select {
	case <-timer.C:
		return c.tellCheckpoint()
	case <-news:
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	case <-c.node.closing:
		return errStopped
	}
}

// streamCursor is how far a subscription to a stream has come.
type streamCursor struct {
	*reader
	revision int64  // the last delivered
	position uint64 // everything up to here was looked at
}

func (r *reader) subscribeStream() error {
	if err := r.confirm(); err != nil {
		return err
	}
	c := &streamCursor{reader: r, revision: int64(min(r.from, maxRevision))}
	if r.start {
		c.revision = -1
	}
	if r.from == wireEnd {
		st, head, err := r.node.view(r.ctx, r.stream)
		if err != nil {
			return err
		}
		c.revision, c.position = st.Last, head
	}
	for live := false; ; {
		_, news := r.node.tail.position()
		page, inMemory := r.node.tail.after(c.position)
		if !live || !inMemory {
			live = true
			if err := c.catchUp(); err != nil {
				return err
			}
			if err := r.caughtUp(); err != nil {
				return err
			}
			continue
		}
		for _, rec := range page {
			c.position = rec.Position
			if rec.Stream == r.stream {
				if err := c.advance(rec); err != nil {
					return err
				}
			}
		}
		if len(page) == 0 {
			if err := r.await(news, nil); err != nil {
				return err
			}
		}
	}
}

// catchUp delivers from disk what the stream has beyond the cursor.
func (c *streamCursor) catchUp() error {
	for {
		st, head, err := c.node.view(c.ctx, c.stream)
		if err != nil {
			return err
		}
		var page []*record
		if c.revision < tombstoneRevision {
			if page, err = c.node.store.streamPage(st, c.revision+1, head, pageRecords, false); err != nil {
				return err
			}
		}
		for _, rec := range page {
			if err := c.advance(rec); err != nil {
				return err
			}
		}
		if len(page) == 0 {
			if st.Tombstoned {
				return errStreamDeleted(c.stream)
			}
			c.position = head
			return nil
		}
	}
}

// advance delivers the next event of the stream; the tombstone is the last.
func (c *streamCursor) advance(rec *record) error {
	if rec.Revision <= c.revision {
		return nil
	}
	if err := c.deliver(rec); err != nil {
		return err
	}
	c.revision = rec.Revision
	if rec.Revision == tombstoneRevision {
		return errStreamDeleted(c.stream)
	}
	return nil
}
