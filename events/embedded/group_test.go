package embedded_test

import (
	"fmt"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"

	"annals/events/embedded"
)

func TestStrategiesShareEventsAmongConsumers(t *testing.T) {
	t.Parallel()
	for strategy, shares := range map[esdb.ConsumerStrategy]func(a, b int) bool{
		esdb.ConsumerStrategyRoundRobin:       func(a, b int) bool { return a == 20 && b == 20 },
		esdb.ConsumerStrategyDispatchToSingle: func(a, b int) bool { return a == 40 && b == 0 || a == 0 && b == 40 },
		esdb.ConsumerStrategyPinned:           func(a, b int) bool { return a+b == 40 && a > 0 && b > 0 },
	} {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			n := startNode(t, embedded.Options{})
			settings := quickSettings()
			settings.ConsumerStrategyName = strategy
			must(t, n.CreatePersistentSubscriptionToAll(testContext(t), "g", esdb.PersistentAllSubscriptionOptions{
				Settings: settings, StartFrom: esdb.Start{},
				Filter: &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{"s-"}},
			}))
			for range 2 {
				sub, err := n.SubscribeToPersistentSubscriptionToAll(testContext(t), "g", esdb.SubscribeToPersistentSubscriptionOptions{BufferSize: 100})
				must(t, err)
				t.Cleanup(func() { must(t, sub.Close()) })
			}
			for i := range 40 {
				n.append(t, fmt.Sprint("s-", i), named("T", 1)...)
			}
			var in []int64
			eventually(t, "all are handed out", func() bool {
				info, err := n.GetPersistentSubscriptionInfoToAll(testContext(t), "g", esdb.GetPersistentSubscriptionOptions{})
				must(t, err)
				in = nil
				for _, c := range info.Connections {
					in = append(in, c.InFlightMessages)
				}
				return len(in) == 2 && in[0]+in[1] == 40
			})
			holds(t, shares(int(in[0]), int(in[1])), fmt.Sprint("shared as ", in))
		})
	}
}

func TestGroupsThatAreNotPossibleAreRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	settings := quickSettings()
	settings.ReadBatchSize, settings.HistoryBufferSize = 20, 20
	err := n.CreatePersistentSubscription(testContext(t), "s", "g", esdb.PersistentStreamSubscriptionOptions{Settings: settings})
	wantCode(t, unwrapAll(err), codes.Internal)
	n.createGroup(t, "s", quickSettings())
	err = n.CreatePersistentSubscription(testContext(t), "s", "g", esdb.PersistentStreamSubscriptionOptions{})
	wantCode(t, unwrapAll(err), codes.AlreadyExists)
	_, err = n.SubscribeToPersistentSubscription(testContext(t), "s", "other", esdb.SubscribeToPersistentSubscriptionOptions{})
	wantCode(t, unwrapAll(err), codes.NotFound)
	_, err = n.ListPersistentSubscriptionsForStream(testContext(t), "empty", esdb.ListPersistentSubscriptionsOptions{})
	wantCode(t, unwrapAll(err), codes.NotFound)
	all, err := n.ListAllPersistentSubscriptions(testContext(t), esdb.ListPersistentSubscriptionsOptions{})
	must(t, err)
	equal(t, len(all), 1)
}

func TestAGroupFollowsLinksAndAcknowledgesThemByTheirOwnID(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	n.append(t, "target", named("T", 1)...)
	link := named("$>", 1)[0]
	link.Data = []byte("0@target")
	n.append(t, "links", link)
	settings := quickSettings()
	settings.ResolveLinkTos = true
	n.createGroup(t, "links", settings)
	m := n.join(t, "links", 1)
	e := m.expect("links/0 try 0")
	equal(t, e.Event.StreamID, "target")
	must(t, m.Ack(e))
	n.append(t, "links", link)
	eventually(t, "it is acknowledged", func() bool { return n.info(t, "links").Stats.TotalInFlightMessages == 0 })
}
