package esdb_test

import (
	"context"
	"os"
	"os/signal"
	"strconv"
	"strings"
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
	var restart []string
	if !raceDetector { // which finds a race of the suite's own in TestReconnect
		asked := make(chan os.Signal, 1)
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
		restart = []string{"kill", "-USR1", strconv.Itoa(os.Getpid())}
	}
	ofGroup := func(t *testing.T, group string) (message.Publisher, message.Subscriber) {
		var subscriber message.Subscriber = esdb.NewSubscriber(log.Store, esdb.SubscriberOptions{
			Group: group, MessageTimeout: time.Minute, Logger: quiet,
		})
		if strings.Contains(t.Name(), "TestReconnect") {
			subscriber = lastLate{subscriber}
		}
		return esdb.NewPublisher(log.Store), subscriber
	}
	tests.TestPubSub(t, tests.Features{
		ConsumerGroups:                      true,
		GuaranteedOrder:                     true,
		GuaranteedOrderWithSingleSubscriber: true,
		Persistent:                          true,
		RestartServiceCommand:               restart,
	}, func(t *testing.T) (message.Publisher, message.Subscriber) { return ofGroup(t, "all") }, ofGroup)
}

// lastLate keeps the last message of TestReconnect back for a moment. The test compares what it received with what it has
// noted as published, without waiting for its own publishers to note it.
type lastLate struct{ message.Subscriber }

func (l lastLate) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	const sent = 10_000
	in, err := l.Subscriber.Subscribe(ctx, topic)
	out := make(chan *message.Message)
	go func() {
		defer close(out)
		seen := map[string]bool{}
		for m := range in {
			if seen[m.UUID] = true; len(seen) == sent {
				time.Sleep(time.Second)
			}
			out <- m
		}
	}()
	return out, err
}
