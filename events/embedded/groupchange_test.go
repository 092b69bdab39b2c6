package embedded_test

import (
	"fmt"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"

	"annals/events/embedded"
)

func TestDeletingAGroupDeletesItsCheckpointAndWhatItParked(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	n.createGroup(t, "s", quickSettings())
	n.append(t, "s", named("T", 2)...)
	m := n.join(t, "s", 2)
	must(t, m.Nack("", esdb.NackActionPark, m.expect("s/0 try 0")))
	must(t, m.Ack(m.expect("s/1 try 0")))
	r, own := n.raw(t), []string{"$persistentsubscription-s::g-parked", "$persistentsubscription-s::g-checkpoint"}
	eventually(t, "it has both", func() bool { return r.found(t, own[0]) && r.found(t, own[1]) })
	must(t, n.DeletePersistentSubscription(testContext(t), "s", "g", esdb.DeletePersistentSubscriptionOptions{}))
	holds(t, !r.found(t, own[0]) && !r.found(t, own[1]), "they are still there")
}

func TestAChangedGroupOnAllKeepsItsFilter(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	must(t, n.CreatePersistentSubscriptionToAll(testContext(t), "g", esdb.PersistentAllSubscriptionOptions{
		Settings: quickSettings(), StartFrom: esdb.Start{},
		Filter: &esdb.SubscriptionFilter{Type: esdb.EventFilterType, Regex: "^Wanted$"},
	}))
	must(t, n.UpdatePersistentSubscriptionToAll(testContext(t), "g", esdb.PersistentAllSubscriptionOptions{Settings: quickSettings(), StartFrom: esdb.Start{}}))
	n.append(t, "s", named("Other", 3)...)
	n.append(t, "s", named("Wanted", 1)...)
	sub, err := n.SubscribeToPersistentSubscriptionToAll(testContext(t), "g", esdb.SubscribeToPersistentSubscriptionOptions{})
	must(t, err)
	t.Cleanup(func() { must(t, sub.Close()) })
	member{sub, t}.expect("s/3 try 0")
}

func TestACheckpointIsWrittenAfterEnoughEventsAndSomeTime(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	settings := quickSettings()
	settings.CheckpointLowerBound, settings.CheckpointUpperBound, settings.CheckpointAfter = 3, 1000, 50
	n.createGroup(t, "s", settings)
	n.append(t, "s", named("T", 7)...)
	m := n.join(t, "s", 7)
	for i := range 7 {
		must(t, m.Ack(m.expect(fmt.Sprintf("s/%d try 0", i))))
	}
	at := func() int {
		p := n.info(t, "s").Stats.LastCheckpointedEventRevision
		if p == nil {
			return -1
		}
		return int(*p)
	}
	eventually(t, "three events and 50 ms have passed", func() bool { return at() >= 2 })
	written := n.read(t, "$persistentsubscription-s::g-checkpoint", esdb.ReadStreamOptions{})
	holds(t, len(written) <= 2 && written[0].Event.EventNumber == 0, fmt.Sprint(len(written), " checkpoints for seven events"))
	settings.CheckpointUpperBound, settings.CheckpointAfter = 4, 3_600_000
	must(t, n.UpdatePersistentSubscription(testContext(t), "s", "g", esdb.PersistentStreamSubscriptionOptions{Settings: settings, StartFrom: esdb.Start{}}))
	n.append(t, "s", named("T", 4)...)
	m = n.join(t, "s", 20)
	for {
		e, _ := m.next()
		must(t, m.Ack(e))
		if e.Event.EventNumber == 10 {
			break
		}
	}
	eventually(t, "the upper bound does not wait", func() bool { return at() >= 9 })
}

func TestAnAnswerThatSaysNothingIsARetry(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	n.createGroup(t, "s", quickSettings())
	event := named("T", 1)[0]
	n.append(t, "s", event)
	call, err := n.raw(t).groups.Read(testContext(t))
	must(t, err)
	must(t, call.Send(&persistent.ReadReq{Content: &persistent.ReadReq_Options_{Options: &persistent.ReadReq_Options{
		StreamOption: &persistent.ReadReq_Options_StreamIdentifier{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("s")}},
		GroupName:    "g", BufferSize: 1,
		UuidOption: &persistent.ReadReq_Options_UUIDOption{Content: &persistent.ReadReq_Options_UUIDOption_String_{String_: none}},
	}}}))
	_, err = call.Recv()
	must(t, err)
	for retries := range int32(3) {
		m, err := call.Recv()
		must(t, err)
		equal(t, m.GetEvent().GetEvent().GetId().GetString_(), event.EventID.String())
		equal(t, m.GetEvent().GetRetryCount(), retries)
		must(t, call.Send(&persistent.ReadReq{Content: &persistent.ReadReq_Nack_{Nack: &persistent.ReadReq_Nack{
			Action: persistent.ReadReq_Nack_Unknown, Ids: []*shared.UUID{m.GetEvent().GetEvent().GetId()},
		}}}))
	}
}

// strategyGroup makes group g on the stream of links, from its start.
func (n running) strategyGroup(t testing.TB, strategy string) {
	t.Helper()
	_, err := n.raw(t).createGroup("links", func(o *persistent.CreateReq_Options) {
		o.GroupName, o.Settings.ConsumerStrategy = "g", strategy
	})
	must(t, err)
}

// shared is how many events each of two consumers with these buffers holds once all that can be is handed out.
func (n running) shared(t *testing.T, strategy string, total int, buffers ...uint32) (members []member, held []int64) {
	t.Helper()
	n.strategyGroup(t, strategy)
	for _, size := range buffers {
		members = append(members, n.join(t, "links", size))
	}
	eventually(t, "all that can be is handed out", func() bool {
		held = nil
		for _, c := range n.info(t, "links").Connections {
			held = append(held, c.InFlightMessages)
		}
		return len(held) == len(buffers) && int(held[0]+held[1]) == total
	})
	return members, held
}

func TestTheFullArePassedOverInTurn(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	n.append(t, "links", named("T", 40)...)
	_, held := n.shared(t, "RoundRobin", 40, 3, 100)
	equal(t, held, []int64{3, 37})
}

// linksTo makes links to the first event of streams.
func linksTo(streams ...string) (links []esdb.EventData) {
	for _, s := range streams {
		link := named("$>", 1)[0]
		link.ContentType, link.Data = esdb.ContentTypeBinary, []byte("0@"+s)
		links = append(links, link)
	}
	return links
}

func TestPinnedEventsOfOneSourceStayWithOneConsumerAndHoldUpNoOther(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	for i := range 30 {
		n.append(t, "links", linksTo(fmt.Sprint("a", i%10), fmt.Sprint("b", i%10))...)
	}
	// One consumer has room for a single event: those of its sources wait, and the other gets all of its own.
	n.strategyGroup(t, "Pinned")
	narrow, wide := n.join(t, "links", 1), n.join(t, "links", 100)
	var info *esdb.PersistentSubscriptionInfo
	eventually(t, "both have what they can hold", func() bool {
		info = n.info(t, "links")
		held := info.Connections[1].InFlightMessages
		return held > 1 && held+info.Connections[0].InFlightMessages+info.Stats.ReadBufferCount == 60
	})
	sources := map[string]int{}
	for range info.Connections[1].InFlightMessages {
		e, _ := wide.next()
		sources[string(e.Event.Data)]++
	}
	alone, _ := narrow.next() // from when there was no other
	sources[string(alone.Event.Data)]++
	must(t, narrow.Ack(alone))
	for source, times := range sources {
		holds(t, times == 3 || source == string(alone.Event.Data), fmt.Sprintf("%d of the three events of %s", times, source))
	}
	for range 3 {
		e, _ := narrow.next()
		holds(t, sources[string(e.Event.Data)] == 0 || string(e.Event.Data) == string(alone.Event.Data), "a source is shared")
		must(t, narrow.Ack(e))
	}
}

func TestEventsOfOneCorrelationStayWithOneConsumer(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	for i := range 40 {
		event := named("T", 1)[0]
		event.Metadata = fmt.Appendf(nil, `{"$correlationId":"c%d"}`, i%8)
		n.append(t, "links", event)
	}
	members, held := n.shared(t, "PinnedByCorrelation", 40, 100, 100)
	owner := map[string]int{}
	for i, m := range members {
		for range held[i] {
			e, _ := m.next()
			before, known := owner[string(e.Event.UserMetadata)]
			holds(t, !known || before == i, "a correlation is shared")
			owner[string(e.Event.UserMetadata)] = i
		}
	}
	equal(t, len(owner), 8)
}
