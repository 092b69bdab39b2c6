package limits

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A client that asks as fast as it is answered is answered at its pace, and others at once as long as all keep to theirs.
func TestAClientThatAsksAgainAndAgainIsDelayed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := NewPace(bound(50), bound(10), bound(int64(2*time.Second)))
		began := time.Now()
		for range 10 {
			p.Wait(t.Context(), address(1))
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("the first took %v", took)
		}
		for range 100 {
			p.Wait(t.Context(), address(1))
		}
		if took := time.Since(began); took < 9*time.Second || took > 11*time.Second {
			t.Errorf("a hundred more took %v", took)
		}
		began = time.Now()
		if p.Wait(t.Context(), address(2)); time.Since(began) > 0 {
			t.Errorf("another client waited for %v", time.Since(began))
		}
		for i := range 5000 { // each from an address of its own
			go p.Wait(t.Context(), AddressOf(address(i%250).Addr().String()+":1"))
		}
		synctest.Wait()
		if p.Wait(t.Context(), address(3)); time.Since(began) > 3*time.Second {
			t.Errorf("a request was delayed by %v", time.Since(began))
		}
		time.Sleep(time.Minute)
	})
}

// What is refused is read on at a pace, a few at a time, and the client that has fewest is next.
func TestWhatIsRefusedIsReadOnAtAPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := NewDiscards(bound(1), bound(int64(2*time.Second)))
		left := func() *strings.Reader { return strings.NewReader(strings.Repeat("x", 100*discardPiece)) }
		began := time.Now()
		for range 50 {
			go d.Discard(t.Context(), address(1), left(), 1<<40)
		}
		synctest.Wait()
		mine := left()
		if d.Discard(t.Context(), address(2), mine, 1<<40); mine.Len() > 0 || time.Since(began) > 2*100*discardPause {
			t.Errorf("%d bytes are left after %v", mine.Len(), time.Since(began))
		}
		time.Sleep(time.Minute)
		if n, err := io.Copy(io.Discard, mine); n != 0 || err != nil {
			t.Error(n, err)
		}
	})
}
