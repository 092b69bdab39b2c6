package esdb_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"annals/events/esdb/esdbtest"
)

// load is 32 callers and 8 subscriptions on one log.
type load struct {
	*callers
	watchers      []*watcher
	watching      sync.WaitGroup
	stop, unwatch context.CancelFunc
}

func newLoad(t *testing.T, log *esdbtest.Log) *load {
	appending, stop := context.WithCancel(t.Context())
	following, unwatch := context.WithCancel(t.Context())
	l := &load{callers: &callers{recorded: map[uuid.UUID]bool{}}, stop: stop, unwatch: unwatch}
	for range 32 {
		l.Go(func() { l.run(appending, t, log.Store) })
	}
	for range 8 {
		w := &watcher{seen: map[uuid.UUID]int{}, order: true}
		l.watchers = append(l.watchers, w)
		l.watching.Go(func() { w.run(following, log.Store) })
	}
	l.goesOn(t)
	return l
}

func (l *load) goesOn(t *testing.T) {
	t.Helper()
	before := l.count()
	eventually(t, "32 callers append", func() bool { return l.count() > before+300 })
}

// end holds what every subscription saw against what was recorded.
func (l *load) end(t *testing.T, outages int) {
	t.Helper()
	l.stop()
	l.Wait()
	if len(l.late) > 0 {
		t.Errorf("%d calls outlived their context, by up to %v", len(l.late), l.late)
	}
	for _, w := range l.watchers {
		eventually(t, "a subscription has everything", func() bool { return w.count() == l.count() })
		w.saw(t, l.recorded, outages)
	}
	l.unwatch()
	l.watching.Wait()
}

var transports = []esdbtest.Transport{esdbtest.Unix, esdbtest.TCP, esdbtest.TLS}

// alone runs what may run beside each other, and finds what is left behind by all of it. Its test is not parallel.
func alone(t *testing.T, group func(*testing.T)) {
	t.Helper()
	ignore := goleak.IgnoreCurrent()
	t.Run("", group)
	goleak.VerifyNone(t, ignore)
}

func TestAnOutageHurtsNobody(t *testing.T) {
	outages := []time.Duration{time.Second, 4 * time.Second}
	if os.Getenv("ANNALS_SOAK") != "" {
		outages = append(outages, 30*time.Second)
	}
	alone(t, func(t *testing.T) {
		for _, over := range transports {
			for _, outage := range outages {
				t.Run(fmt.Sprint(outage, " over ", over), func(t *testing.T) {
					t.Parallel()
					log := esdbtest.Over(t, over)
					l := newLoad(t, log)
					log.Without(func() { <-time.After(outage) }) // the outage itself
					l.goesOn(t)
					l.end(t, 1)
					if l.refused == 0 {
						t.Error("no call noticed the outage")
					}
				})
			}
		}
	})
}

func TestANodeRestartedUnderLoadLeavesNothingBehind(t *testing.T) {
	alone(t, func(t *testing.T) {
		for _, over := range transports {
			t.Run(string(over), func(t *testing.T) {
				t.Parallel()
				log := esdbtest.Over(t, over)
				l := newLoad(t, log)
				const restarts = 5
				for range restarts {
					log.Restart()
					l.goesOn(t)
					target := l.count()
					for _, w := range l.watchers { // each is back before the next
						eventually(t, "a subscription goes on", func() bool { return w.count() >= target })
					}
				}
				l.end(t, restarts)
			})
		}
	})
}
