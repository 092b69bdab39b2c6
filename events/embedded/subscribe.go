package embedded

import (
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
)

// idleCheckpoint is how long a filtered subscription may know of considered events without telling its client. EventStoreDB
// has no such limit, which lets the checkpoints of sparse subscriptions stand still for ever.
const idleCheckpoint = 2 * time.Second

// subscription is a running catch-up subscription.
type subscription struct {
	*reader
	position   uint64    // of $all: the last record considered
	checkpoint uint64    // the last position that the client was told as a checkpoint
	considered uint64    // records since then
	since      time.Time // of the first of these
}

func (r *reader) subscribe() error {
	f, err := r.feed()
	if err != nil {
		return err
	}
	if err := r.send(&streams.ReadResp{Content: &streams.ReadResp_Confirmation{
		Confirmation: &streams.ReadResp_SubscriptionConfirmation{SubscriptionId: uuid.NewString()},
	}}); err != nil {
		return err
	}
	s := &subscription{reader: r, position: f.position, checkpoint: f.position}
	for caughtUp := false; ; {
		page, news, err := f.next(r.ctx)
		if err != nil {
			return err
		}
		if err := s.consider(page); err != nil {
			return err
		}
		if len(page) > 0 {
			caughtUp = caughtUp && !f.disk
			continue
		}
		if !caughtUp {
			caughtUp = true
			if err := s.tellCaughtUp(f); err != nil {
				return err
			}
		}
		if err := s.await(news); err != nil {
			return err
		}
	}
}

// feed begins where the client asked to: what it names it has already.
func (r *reader) feed() (*feed, error) {
	f := &feed{node: r.node, stream: r.stream, revision: -1}
	switch {
	case r.start:
	case r.from == wireEnd && r.stream == "":
		f.position, _ = r.node.tail.position()
	case r.from == wireEnd:
		st, _, err := r.node.view(r.ctx, r.stream)
		if err != nil {
			return nil, err
		}
		f.revision = st.Last
	case r.stream == "":
		f.position = r.from
	default:
		f.revision = int64(r.from)
	}
	return f, nil
}

// consider delivers what matches of a page, and a checkpoint after each interval.
func (s *subscription) consider(page []*record) error {
	for _, rec := range page {
		if s.stream != "" || s.filter.matches(rec) {
			if err := s.deliver(rec); err != nil {
				return err
			}
		}
		s.position = rec.Position
		if s.considered == 0 && s.filter != nil {
			s.since = time.Now()
		}
		if s.considered++; s.filter != nil && s.considered >= s.interval {
			if err := s.tellCheckpoint(); err != nil {
				return err
			}
		}
		if s.stream != "" && rec.Revision == tombstoneRevision {
			return errStreamDeleted(s.stream)
		}
	}
	return s.ctx.Err()
}

// tellCheckpoint sends the position up to which everything was considered, unless the client has been told.
func (s *subscription) tellCheckpoint() error {
	s.considered = 0
	if s.filter == nil || s.position <= s.checkpoint {
		return nil
	}
	s.checkpoint = s.position
	return s.send(wireCheckpoint(s.position, time.Now()))
}

func (s *subscription) tellCaughtUp(f *feed) error {
	if err := s.tellCheckpoint(); err != nil {
		return err
	}
	return s.send(wireCaughtUp(f, time.Now()))
}

// await waits for news; a client that was not told a checkpoint for long is told one meanwhile.
func (s *subscription) await(news <-chan struct{}) error {
	var idle <-chan time.Time
	if s.filter != nil && s.considered > 0 {
		timer := time.NewTimer(idleCheckpoint - time.Since(s.since))
		defer timer.Stop()
		idle = timer.C
	}
	select {
	case <-news:
		return nil
	case <-idle:
		return s.tellCheckpoint()
	case <-s.ctx.Done():
		return s.ctx.Err()
	case <-s.node.closing:
		return errStopped
	}
}
