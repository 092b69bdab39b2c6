package frame

import (
	"testing"
	"testing/synctest"
	"time"

	"annals/transport/limits"
)

func TestTheLimitIsPerAddressAndEndsWithItsWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(time.Now, everything)
		for range everything.most {
			l.take(limits.AddressOf("192.0.2.1:1000"))
		}
		if left, _ := l.take(limits.AddressOf("192.0.2.1:2000")); left >= 0 {
			t.Errorf("%d left beyond the limit", left)
		}
		if left, _ := l.take(limits.AddressOf("192.0.2.2:1000")); left != everything.most-1 {
			t.Errorf("another address has %d left", left)
		}
		l.take(limits.AddressOf("[2001:db8::1]:1"))
		if left, _ := l.take(limits.AddressOf("[2001:db8::2]:1")); left != everything.most-2 {
			t.Errorf("an address of the same network has %d left", left)
		}
		time.Sleep(everything.window)
		if left, reset := l.take(limits.AddressOf("192.0.2.1:1000")); left != everything.most-1 || reset != everything.window {
			t.Errorf("%d left for %s in a new window", left, reset)
		}
	})
}

func TestAClockThatIsSetBackLengthensNoLimit(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := newLimiter(func() time.Time { return now }, everything)
	for range everything.most {
		l.take(limits.AddressOf("192.0.2.1:1000"))
	}
	now = now.Add(-time.Hour)
	if left, reset := l.take(limits.AddressOf("192.0.2.1:1000")); left != everything.most-1 || reset != everything.window {
		t.Errorf("%d left for %s after the clock was set back", left, reset)
	}
}
