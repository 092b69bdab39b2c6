package node

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/google/uuid"
)

func TestAWaitAsksAgainWhenItsThingIsNotifiedOfAndForNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, id, asked := newNotifier(), uuid.New(), 0
		ended := make(chan error, 1)
		go func() {
			ended <- n.Await(t.Context(), id, func(context.Context) (bool, error) { asked++; return asked == 3, nil })
		}()
		for want := 1; want < 3; want++ {
			synctest.Wait()
			n.notify(uuid.New())
			synctest.Wait()
			if asked != want {
				t.Fatalf("asked %d times, not %d", asked, want)
			}
			n.notify(id)
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if len(n.watchers) != 0 {
			t.Errorf("%d things are still watched", len(n.watchers))
		}
	})
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := newNotifier().Await(ctx, uuid.New(), func(context.Context) (bool, error) { return false, nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
