package embedded_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/codes"

	"annals/events/embedded"
)

// subscribed is a catch-up subscription through the bare stubs.
type subscribed struct {
	streams.Streams_ReadClient
	t testing.TB
}

func (r raw) subscribe(t testing.TB, change func(*streams.ReadReq_Options)) subscribed {
	t.Helper()
	call, err := r.Read(r.ctx, r.readOptions(func(o *streams.ReadReq_Options) {
		o.CountOption = &streams.ReadReq_Options_Subscription{Subscription: &streams.ReadReq_Options_SubscriptionOptions{}}
		change(o)
	}))
	must(t, err)
	s := subscribed{call, t}
	equal(t, s.next()[:12], "confirmation")
	return s
}

// next is the next message in short: "event STREAM/REVISION", "checkpoint POSITION", "caught up", "confirmation ID".
func (s subscribed) next() string {
	s.t.Helper()
	resp, err := s.Recv()
	must(s.t, err)
	switch m := resp.GetContent().(type) {
	case *streams.ReadResp_Event:
		e := m.Event.GetEvent()
		return fmt.Sprintf("event %s/%d", e.GetStreamIdentifier().GetStreamName(), e.GetStreamRevision())
	case *streams.ReadResp_Checkpoint_:
		return fmt.Sprint("checkpoint ", m.Checkpoint.GetCommitPosition())
	case *streams.ReadResp_CaughtUp_:
		return "caught up"
	case *streams.ReadResp_Confirmation:
		return "confirmation " + m.Confirmation.GetSubscriptionId()
	}
	return fmt.Sprintf("%T", resp.GetContent())
}

func (s subscribed) expect(want ...string) {
	s.t.Helper()
	for _, w := range want {
		equal(s.t, s.next(), w)
	}
}

func TestASubscriptionToAStreamCatchesUpAndGoesOnLive(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	n.append(t, "s", named("T", 2)...)
	s := n.raw(t).subscribe(t, func(o *streams.ReadReq_Options) { o.StreamOption = fromStart("s") })
	s.expect("event s/0", "event s/1", "caught up")
	n.append(t, "other", named("T", 2)...)
	n.append(t, "s", named("T", 2)...)
	s.expect("event s/2", "event s/3")
	n.delete(t, "s")
	n.append(t, "s", named("T", 1)...)
	s.expect("event s/4")
	n.tombstone(t, "s")
	s.expect("event s/9223372036854775807")
	_, err := s.Recv()
	wantCode(t, err, codes.FailedPrecondition)
	equal(t, s.Trailer().Get("exception"), []string{"stream-deleted"})
}

func TestASubscriptionBeginsBehindWhatItNames(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	n.append(t, "s", named("T", 3)...)
	last := n.read(t, "s", esdb.ReadStreamOptions{})[1].Event.Position.Commit
	r := n.raw(t)
	r.subscribe(t, func(o *streams.ReadReq_Options) {
		src := fromStart("s")
		src.Stream.RevisionOption = &streams.ReadReq_Options_StreamOptions_Revision{Revision: 1}
		o.StreamOption = src
	}).expect("event s/2", "caught up")
	r.subscribe(t, func(o *streams.ReadReq_Options) { o.GetAll().AllOption = allFrom(last) }).expect("event s/2", "caught up")
	atEnd := func(o *streams.ReadReq_Options) {
		src := fromStart("s")
		src.Stream.RevisionOption = &streams.ReadReq_Options_StreamOptions_End{End: none}
		o.StreamOption = src
	}
	ofStream := r.subscribe(t, atEnd)
	ofAll := r.subscribe(t, func(o *streams.ReadReq_Options) {
		o.GetAll().AllOption = &streams.ReadReq_Options_AllOptions_End{End: none}
	})
	ofStream.expect("caught up")
	ofAll.expect("caught up")
	n.append(t, "s", named("T", 1)...)
	ofStream.expect("event s/3")
	ofAll.expect("event s/3")
}

func TestAMissingStreamMayBeSubscribed(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	s := n.raw(t).subscribe(t, func(o *streams.ReadReq_Options) { o.StreamOption = fromStart("later") })
	s.expect("caught up")
	n.append(t, "later", named("T", 1)...)
	s.expect("event later/0")
}

func filtered(f *streams.ReadReq_Options_FilterOptions, window uint32) func(*streams.ReadReq_Options) {
	return func(o *streams.ReadReq_Options) {
		f.Window = &streams.ReadReq_Options_FilterOptions_Max{Max: window}
		o.FilterOption = &streams.ReadReq_Options_Filter{Filter: f}
	}
}

func TestAFilteredSubscriptionTellsCheckpointsThatLoseNothing(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{}) // positions 1 to 6 are system events
	for i := range 10 {
		n.append(t, fmt.Sprint("s", i%5), named("T", 1)...) // 7 to 16; s3 at 10 and 15
	}
	s := n.raw(t).subscribe(t, filtered(byStream("", "s3"), 4))
	s.expect("checkpoint 4", "checkpoint 8", "event s3/0", "checkpoint 12", "event s3/1", "checkpoint 16", "caught up")
	n.append(t, "quiet", named("T", 1)...)
	s.expect("checkpoint 17") // an idle tail is told by time
	n.append(t, "quiet", named("T", 5)...)
	s.expect("checkpoint 21", "checkpoint 22")
	n.append(t, "s3", named("T", 1)...)
	s.expect("event s3/2", "checkpoint 23")
}

func TestASubscriptionThatFellBehindCatchesUpFromDiskWithoutAGap(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	ofAll := n.raw(t).subscribe(t, func(o *streams.ReadReq_Options) {
		o.GetAll().AllOption = &streams.ReadReq_Options_AllOptions_End{End: none}
	})
	ofStream := n.raw(t).subscribe(t, func(o *streams.ReadReq_Options) { o.StreamOption = fromStart("s") })
	ofAll.expect("caught up")
	ofStream.expect("caught up")
	const total = 24 // of 512 KiB: more than the flow control window and what is kept in memory
	for range total {
		event := named("T", 1)[0]
		event.ContentType, event.Data = esdb.ContentTypeBinary, make([]byte, 512<<10)
		n.append(t, "s", event)
	}
	for i := range total {
		ofAll.expectAmongCaughtUp(fmt.Sprint("event s/", i))
		ofStream.expectAmongCaughtUp(fmt.Sprint("event s/", i))
	}
}

func (s subscribed) expectAmongCaughtUp(want string) {
	s.t.Helper()
	got := s.next()
	for got == "caught up" {
		got = s.next()
	}
	equal(s.t, got, want)
}

func TestClosingTheNodeEndsSubscriptionsWithUnavailable(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	s := n.raw(t).subscribe(t, func(*streams.ReadReq_Options) {})
	closeNode(t, n.Node)
	for {
		if _, err := s.Recv(); err != nil {
			wantCode(t, err, codes.Unavailable)
			return
		}
	}
}

func TestAnEventIsDeliveredLiveWithinMilliseconds(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	sub, err := n.SubscribeToAll(ctx, esdb.SubscribeToAllOptions{From: esdb.End{}})
	must(t, err)
	defer sub.Close()
	for sub.Recv().CaughtUp == nil {
	}
	best := time.Hour
	for range 20 {
		begin := time.Now()
		n.append(t, "s", named("T", 1)...)
		for sub.Recv().EventAppeared == nil {
		}
		best = min(best, time.Since(begin))
	}
	holds(t, best < 50*time.Millisecond, fmt.Sprint("the fastest of 20 took ", best))
}
