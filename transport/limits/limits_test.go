package limits

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"
)

func bound(value int64) Bound { return Bound{Value: value} }

func address(i int) netip.Prefix { return AddressOf(fmt.Sprintf("192.0.2.%d:80", i)) }

// Whatever is taken and given, nothing is beyond a bound but what is alone, and nobody waits who would fit.
func TestNoBudgetIsExceededAndNobodyWaitsInVain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := NewBudget(bound(100), bound(60), bound(30))
		shares := make([]*Share, 6)
		for i := range shares {
			shares[i] = b.Join(address(i % 3))
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			i := rapid.IntRange(0, len(shares)-1).Draw(t, "share")
			n := rapid.Int64Range(1, 40).Draw(t, "bytes")
			s := shares[i]
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				before := s.held
				if s.Try(n) && before > 0 && s.held > 30 {
					t.Fatalf("%d are held by a connection that held %d", s.held, before)
				}
			case 1:
				b.mu.Lock()
				b.waiting = append(b.waiting, &claim{s, n, make(chan struct{})})
				b.grant()
				b.mu.Unlock()
			case 2:
				s.Give(min(n, s.held))
			default:
				s.Leave()
				shares[i] = b.Join(address(i % 3))
			}
			checkBudget(t, b)
		}
		for _, s := range shares {
			s.Leave()
		}
		if b.held != 0 || len(b.clients) != 0 || len(b.waiting) != 0 {
			t.Fatalf("in the end %d are held by %d clients, and %d wait", b.held, len(b.clients), len(b.waiting))
		}
	})
}

func checkBudget(t *rapid.T, b *Budget) {
	sum := int64(0)
	for _, h := range b.clients {
		sum += h.held
		if h.held > 60 {
			t.Fatalf("a client holds %d", h.held)
		}
	}
	if sum != b.held || b.held > 100 {
		t.Fatalf("%d are held by clients, %d in all", sum, b.held)
	}
	if slices.ContainsFunc(b.waiting, func(c *claim) bool { return b.fits(c.share, c.n) }) {
		t.Fatal("one waits that fits")
	}
}

func TestTakingWaitsForRoomInTheOrderOfAskingAndEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(bound(10), bound(10), bound(10))
		first, second, third := b.Join(address(1)), b.Join(address(2)), b.Join(address(3))
		if err := first.Take(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
		var order []string
		impatient, cancel := context.WithCancel(t.Context())
		go func() {
			if err := b.Join(address(4)).Take(impatient, 1); err == nil {
				t.Error("what was given up was taken")
			}
		}()
		synctest.Wait()
		go func() { _ = second.Take(t.Context(), 6); order = append(order, "second") }()
		synctest.Wait()
		go func() { _ = third.Take(t.Context(), 6); order = append(order, "third") }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		first.Give(10)
		synctest.Wait()
		second.Leave()
		synctest.Wait()
		if !slices.Equal(order, []string{"second", "third"}) {
			t.Errorf("taken by %v", order)
		}
	})
}

// What is larger than every bound passes alone, one after the other.
func TestWhatIsTooLargeForABudgetPassesAlone(t *testing.T) {
	t.Parallel()
	b := NewBudget(bound(10), bound(10), bound(10))
	s := b.Join(address(1))
	if !s.Try(50) || s.Try(1) {
		t.Error("not alone")
	}
	s.Give(50)
	if s.Give(-50); b.Held() != 50 || b.Join(address(2)).Try(1) {
		t.Error("what has grown does not count")
	}
}

func TestAFloodPutsOutOnlyItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := NewPlaces[int](bound(12), bound(5))
		var in []int // in the order of entering
		of := map[int]netip.Prefix{}
		count := func(a netip.Prefix) (n int) {
			for _, who := range in {
				if of[who] == a {
					n++
				}
			}
			return n
		}
		for who := range rapid.IntRange(1, 80).Draw(t, "steps") {
			if len(in) > 0 && rapid.Bool().Draw(t, "leaves") {
				i := rapid.IntRange(0, len(in)-1).Draw(t, "who")
				p.Leave(in[i])
				p.Leave(in[i])
				in = slices.Delete(in, i, i+1)
			}
			of[who] = address(min(rapid.IntRange(0, 9).Draw(t, "address"), 4)) // most are of one
			all, mine := len(in), count(of[who])
			out, full := p.Enter(of[who], who)
			if full != (all == 12 || mine == 5) {
				t.Fatalf("full: %t with %d in all and %d of the client", full, all, mine)
			}
			if full {
				i := slices.IndexFunc(in, func(other int) bool { return of[other] == of[out] })
				if i < 0 || in[i] != out || mine == 5 && of[out] != of[who] || count(of[out]) < mine {
					t.Fatalf("%d of %v was put out for one of %v", out, of[out], of[who])
				}
				in = slices.Delete(in, i, i+1)
			}
			in = append(in, who)
			if p.Taken() != len(in) {
				t.Fatalf("%d places are taken by %d", p.Taken(), len(in))
			}
		}
		for len(in) > 0 {
			out, found := p.PutOut()
			i := slices.IndexFunc(in, func(other int) bool { return of[other] == of[out] })
			if !found || in[i] != out || slices.ContainsFunc(in, func(other int) bool { return count(of[other]) > count(of[out]) }) {
				t.Fatalf("%d of %v was put out of %v", out, of[out], in)
			}
			in = slices.Delete(in, i, i+1)
		}
		if _, found := p.PutOut(); found {
			t.Fatal("somebody was put out who was not there")
		}
	})
}

func TestAClientIsAnAddressOrAnIPv6Subscriber(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1:1", "192.0.2.1:2", true},
		{"192.0.2.1:1", "192.0.2.2:1", false},
		{"192.0.2.1:1", "[::ffff:192.0.2.1]:1", true},
		{"[2001:db8:1:2::1]:1", "[2001:db8:1:2:ffff::9%eth0]:1", true},
		{"[2001:db8:1:2::1]:1", "[2001:db8:1:3::1]:1", false},
		{"@", "", true},
	} {
		if same := AddressOf(c.a) == AddressOf(c.b); same != c.same {
			t.Errorf("%s and %s: %t", c.a, c.b, same)
		}
	}
}

func TestABoundIsDeclaredOnceAndWhole(t *testing.T) {
	t.Parallel()
	whole := Bound{"test.bound", "what a test holds", Server, 1, Bytes, "a failure"}
	panics := func(b Bound) (did bool) {
		defer func() { did = recover() != nil }()
		Declare(b)
		return false
	}
	nameless := whole
	nameless.Name = ""
	if panics(whole) || !panics(whole) || !panics(nameless) || !slices.Contains(All(), whole) {
		t.Errorf("the table is %v", All())
	}
}
