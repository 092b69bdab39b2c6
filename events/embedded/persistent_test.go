package embedded_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"annals/events/embedded"
)

// quickSettings write a checkpoint after each event.
func quickSettings() *esdb.PersistentSubscriptionSettings {
	s := esdb.SubscriptionSettingsDefault()
	s.CheckpointLowerBound, s.CheckpointUpperBound, s.CheckpointAfter = 1, 1, 0
	return &s
}

func (n running) createGroup(t testing.TB, stream string, s *esdb.PersistentSubscriptionSettings) {
	t.Helper()
	must(t, n.CreatePersistentSubscription(testContext(t), stream, "g", esdb.PersistentStreamSubscriptionOptions{
		Settings: s, StartFrom: esdb.Start{},
	}))
}

// member is a connected consumer of group g.
type member struct {
	*esdb.PersistentSubscription
	t testing.TB
}

func (n running) join(t testing.TB, stream string, buffer uint32) member {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	sub, err := n.SubscribeToPersistentSubscription(ctx, stream, "g", esdb.SubscribeToPersistentSubscriptionOptions{BufferSize: buffer})
	must(t, err)
	t.Cleanup(func() { must(t, sub.Close()) })
	return member{sub, t}
}

// next is the next event and how often it was tried before.
func (m member) next() (*esdb.ResolvedEvent, string) {
	m.t.Helper()
	e := m.Recv()
	if e.SubscriptionDropped != nil {
		m.t.Fatal("dropped: ", e.SubscriptionDropped.Error)
	}
	o := e.EventAppeared.Event.OriginalEvent()
	return e.EventAppeared.Event, fmt.Sprintf("%s/%d try %d", o.StreamID, o.EventNumber, e.EventAppeared.RetryCount)
}

func (m member) expect(want string) *esdb.ResolvedEvent {
	m.t.Helper()
	e, got := m.next()
	equal(m.t, got, want)
	return e
}

func (m member) droppedWith(code codes.Code) {
	m.t.Helper()
	for {
		if e := m.Recv(); e.SubscriptionDropped != nil {
			equal(m.t, status.Code(e.SubscriptionDropped.Error).String(), code.String())
			return
		}
	}
}

func (n running) info(t testing.TB, stream string) *esdb.PersistentSubscriptionInfo {
	t.Helper()
	info, err := n.GetPersistentSubscriptionInfo(testContext(t), stream, "g", esdb.GetPersistentSubscriptionOptions{})
	must(t, err)
	return info
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if condition() {
			return
		}
	}
	t.Fatal("never: ", what)
}

func TestANackedEventIsRetriedThenParkedThenReplayed(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	settings := quickSettings()
	settings.MaxRetryCount = 2
	n.createGroup(t, "s", settings)
	n.append(t, "s", named("T", 2)...)
	m := n.join(t, "s", 1)
	for i := range 3 {
		must(t, m.Nack("no luck", esdb.NackActionRetry, m.expect(fmt.Sprint("s/0 try ", i))))
	}
	second := m.expect("s/1 try 0")
	equal(t, n.info(t, "s").Stats.ParkedMessagesCount, 1)
	parked := n.read(t, "$persistentsubscription-s::g-parked", esdb.ReadStreamOptions{ResolveLinkTos: true})
	equal(t, len(parked), 1)
	equal(t, parked[0].Event.EventNumber, 0)
	must(t, m.Nack("later", esdb.NackActionPark, second))
	eventually(t, "both are parked", func() bool { return n.info(t, "s").Stats.ParkedMessagesCount == 2 })
	must(t, n.ReplayParkedMessages(testContext(t), "s", "g", esdb.ReplayParkedMessagesOptions{}))
	must(t, m.Ack(m.expect("s/0 try 0")))
	must(t, m.Nack("again", esdb.NackActionPark, m.expect("s/1 try 0")))
	eventually(t, "the replayed are no longer parked, the one parked again is", func() bool {
		return len(n.read(t, "$persistentsubscription-s::g-parked", esdb.ReadStreamOptions{})) == 1
	})
	must(t, n.ReplayParkedMessages(testContext(t), "s", "g", esdb.ReplayParkedMessagesOptions{StopAt: 3}))
	must(t, m.Nack("never mind", esdb.NackActionSkip, m.expect("s/1 try 0")))
	eventually(t, "nothing is parked", func() bool { return n.info(t, "s").Stats.ParkedMessagesCount == 0 })
	n.append(t, "s", named("T", 1)...)
	m.expect("s/2 try 0")
}

func TestAnUnansweredEventComesAgainAfterItsTimeout(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	settings := quickSettings()
	settings.MessageTimeout, settings.MaxRetryCount = 100, 1
	n.createGroup(t, "s", settings)
	n.append(t, "s", named("T", 1)...)
	m := n.join(t, "s", 5)
	m.expect("s/0 try 0")
	m.expect("s/0 try 1")
	eventually(t, "it is parked after its last try", func() bool { return n.info(t, "s").Stats.ParkedMessagesCount == 1 })
}

func TestWhatADisconnectedConsumerHeldGoesToAnother(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	n.createGroup(t, "s", quickSettings())
	n.append(t, "s", named("T", 3)...)
	first := n.join(t, "s", 10)
	for i := range 3 {
		e := first.expect(fmt.Sprintf("s/%d try 0", i))
		if i == 1 {
			must(t, first.Ack(e))
		}
	}
	eventually(t, "the acknowledgement has arrived", func() bool { return n.info(t, "s").Stats.TotalInFlightMessages == 2 })
	must(t, first.Close())
	second := n.join(t, "s", 10)
	second.expect("s/0 try 1")
	second.expect("s/2 try 1")
}

func TestAConsumerHoldsNoMoreThanItsBuffer(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	n.createGroup(t, "s", quickSettings())
	n.append(t, "s", named("T", 9)...)
	m := n.join(t, "s", 2)
	first := m.expect("s/0 try 0")
	m.expect("s/1 try 0")
	equal(t, n.info(t, "s").Stats.TotalInFlightMessages, 2)
	equal(t, n.info(t, "s").Connections[0].AvailableSlots, 0)
	must(t, m.Ack(first))
	m.expect("s/2 try 0")
	equal(t, n.info(t, "s").Stats.TotalInFlightMessages, 2)
}

func TestAGroupResumesFromItsCheckpointAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := startNode(t, embedded.Options{Dir: dir})
	first.createGroup(t, "s", quickSettings())
	first.append(t, "s", named("T", 5)...)
	m := first.join(t, "s", 3)
	must(t, m.Ack(m.expect("s/0 try 0"), m.expect("s/1 try 0")))
	eventually(t, "the checkpoint is written", func() bool {
		at := first.info(t, "s").Stats.LastCheckpointedEventRevision
		return at != nil && *at == 1
	})
	closeNode(t, first.Node)
	m.droppedWith(codes.Unavailable)
	second := startNode(t, embedded.Options{Dir: dir})
	m = second.join(t, "s", 1)
	m.expect("s/2 try 0")
	equal(t, second.info(t, "s").Settings.CheckpointUpperBound, 1)
}

func TestAGroupOnAllFollowsItsFilterAndCheckpointsPastTheRest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := startNode(t, embedded.Options{Dir: dir})
	must(t, n.CreatePersistentSubscriptionToAll(testContext(t), "g", esdb.PersistentAllSubscriptionOptions{
		Settings: quickSettings(), StartFrom: esdb.Start{},
		Filter: &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{"want-"}},
	}))
	for i := range 5 {
		n.append(t, fmt.Sprint("want-", i), named("T", 1)...)
		n.append(t, fmt.Sprint("other-", i), named("T", 3)...)
	}
	joinAll := func(n running) member {
		sub, err := n.SubscribeToPersistentSubscriptionToAll(testContext(t), "g", esdb.SubscribeToPersistentSubscriptionOptions{})
		must(t, err)
		t.Cleanup(func() { must(t, sub.Close()) })
		return member{sub, t}
	}
	m := joinAll(n)
	for i := range 5 {
		must(t, m.Ack(m.expect(fmt.Sprintf("want-%d/0 try 0", i))))
	}
	last := n.readAll(t, esdb.ReadAllOptions{Direction: esdb.Backwards, From: esdb.End{}})[0].Event.Position.Commit
	eventually(t, "the checkpoint passes what does not match", func() bool {
		info, err := n.GetPersistentSubscriptionInfoToAll(testContext(t), "g", esdb.GetPersistentSubscriptionOptions{})
		must(t, err)
		at := info.Stats.LastCheckpointedPosition
		return at != nil && at.Commit >= last
	})
	closeNode(t, n.Node)
	n = startNode(t, embedded.Options{Dir: dir})
	n.append(t, "want-5", named("T", 1)...)
	joinAll(n).expect("want-5/0 try 0")
}

func TestAGroupThatBeginsAtTheEndMissesNothingBeforeItsFirstConsumer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := startNode(t, embedded.Options{Dir: dir})
	n.append(t, "s", named("T", 2)...)
	must(t, n.CreatePersistentSubscription(testContext(t), "s", "g", esdb.PersistentStreamSubscriptionOptions{StartFrom: esdb.End{}}))
	n.append(t, "s", named("T", 1)...)
	closeNode(t, n.Node)
	n = startNode(t, embedded.Options{Dir: dir})
	n.join(t, "s", 10).expect("s/2 try 0")
	holds(t, n.info(t, "s").Settings.StartFrom == esdb.End{}, "the start is told differently")
}

func TestChangingAGroupDropsItsConsumersAndKeepsItsCheckpoint(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	n.createGroup(t, "s", quickSettings())
	n.append(t, "s", named("T", 3)...)
	m := n.join(t, "s", 1)
	must(t, m.Ack(m.expect("s/0 try 0")))
	m.expect("s/1 try 0")
	settings := quickSettings()
	settings.MaxRetryCount = 77
	must(t, n.UpdatePersistentSubscription(testContext(t), "s", "g", esdb.PersistentStreamSubscriptionOptions{Settings: settings, StartFrom: esdb.Start{}}))
	m.droppedWith(codes.Canceled)
	equal(t, n.info(t, "s").Settings.MaxRetryCount, 77)
	m = n.join(t, "s", 1)
	must(t, m.Ack(m.expect("s/1 try 0")))
	m.expect("s/2 try 0")
	must(t, n.RestartPersistentSubscriptionSubsystem(testContext(t), esdb.RestartPersistentSubscriptionSubsystemOptions{}))
	m.droppedWith(codes.Canceled)
	m = n.join(t, "s", 1)
	m.expect("s/2 try 0")
	must(t, n.DeletePersistentSubscription(testContext(t), "s", "g", esdb.DeletePersistentSubscriptionOptions{}))
	m.droppedWith(codes.NotFound)
	n.createGroup(t, "s", quickSettings())
	n.join(t, "s", 1).expect("s/0 try 0")
}

func TestAGroupTakesNoMoreSubscribersThanItMay(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	settings := quickSettings()
	settings.MaxSubscriberCount = 1
	n.createGroup(t, "s", settings)
	first := n.join(t, "s", 1)
	_, err := n.SubscribeToPersistentSubscription(testContext(t), "s", "g", esdb.SubscribeToPersistentSubscriptionOptions{})
	wantCode(t, unwrapAll(err), codes.FailedPrecondition)
	must(t, first.Close())
	eventually(t, "its place is free", func() bool { return len(n.info(t, "s").Connections) == 0 })
	n.join(t, "s", 1)
}

func unwrapAll(err error) error {
	for {
		if _, ok := status.FromError(err); ok {
			return err
		}
		w, ok := err.(interface{ Unwrap() error })
		if !ok {
			return err
		}
		err = w.Unwrap()
	}
}
