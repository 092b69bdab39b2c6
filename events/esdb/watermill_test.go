package esdb_test

import (
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"

	"annals/events/esdb"
	"annals/events/esdb/esdbtest"
)

// TestWatermillsOwnSuiteHolds runs Watermill's suite for all its adapters. Delivery is at least once; order holds for one
// subscriber at a time, since the store shares a group's events among its members; what a group has acknowledged does
// not come again for a new member.
func TestWatermillsOwnSuiteHolds(t *testing.T) {
	t.Parallel()
	log := esdbtest.New(t)
	asked := make(chan os.Signal, 1) // TestReconnect restarts the store by a command
	signal.Notify(asked, syscall.SIGUSR1)
	var restarting sync.WaitGroup
	restarting.Go(func() {
		for range asked {
			log.Restart()
		}
	})
	defer restarting.Wait()
	defer close(asked)
	defer signal.Stop(asked)
	ofGroup := func(_ *testing.T, group string) (message.Publisher, message.Subscriber) {
		return esdb.NewPublisher(log.Store), esdb.NewSubscriber(log.Store, esdb.SubscriberOptions{
			Group: group, MessageTimeout: time.Minute, Logger: quiet,
		})
	}
	tests.TestPubSub(t, tests.Features{
		ConsumerGroups:                      true,
		GuaranteedOrder:                     true,
		GuaranteedOrderWithSingleSubscriber: true,
		Persistent:                          true,
		RestartServiceCommand:               []string{"kill", "-USR1", strconv.Itoa(os.Getpid())},
	}, func(t *testing.T) (message.Publisher, message.Subscriber) { return ofGroup(t, "all") }, ofGroup)
}
