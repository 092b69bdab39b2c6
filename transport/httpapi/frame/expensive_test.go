package frame

import (
	"testing"
	"testing/synctest"
	"time"
)

// Expensive reads take turns; a client that waits too long gets a 429 with Retry-After.
func TestExpensiveReadsTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := New(Options{})
		var ends []func()
		ann, bob := caller{actor: "ann"}, caller{actor: "bob"}
		for range Expensives() {
			done, err := a.turn(t.Context(), ann)
			if err != nil {
				t.Fatal(err)
			}
			ends = append(ends, done)
		}
		began := time.Now()
		if _, err := a.turn(t.Context(), bob); err != errBusyReads || time.Since(began) != expensiveWait.Duration() { //nolint:errorlint // it is that one
			t.Errorf("one more after %v: %v", time.Since(began), err)
		}
		time.AfterFunc(time.Second, ends[0])
		if _, err := a.turn(t.Context(), bob); err != nil {
			t.Errorf("after one has ended: %v", err)
		}
	})
}
