package carrier

import (
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/zishang520/socket.io/parsers/engine/v3/packet"
	"github.com/zishang520/socket.io/servers/engine/v3"
	"github.com/zishang520/socket.io/v3/pkg/types"

	"annals/transport/limits"
)

// unconnected is a transport without a client.
type unconnected struct {
	engine.Socket
	id     string
	closed chan struct{}
}

func (u unconnected) Id() string { return u.id }
func (u unconnected) Close(bool) { close(u.closed) }

// Many clients that do not read are closed, those for which most waits first, before what waits for all of them is too much.
func TestWhatWaitsForAllSessionsIsBounded(t *testing.T) {
	t.Parallel()
	var slow []*Session
	s := &Server{Options: Options{Slow: func(s *Session) { slow = append(slow, s) }}, sessions: map[string]*Session{}}
	var all []*Session
	const n = 20
	received := limits.NewBudget(maxReceivedInAll, maxReceivedOfClient, maxReceived)
	for i := range n {
		session := newSession(s, unconnected{id: string(rune('a' + i)), closed: make(chan struct{})}, received.Join(netip.Prefix{}))
		s.sessions[session.engine.Id()] = session
		all = append(all, session)
	}
	for step := range int64(8) { // the later in the list, the more waits
		for i, session := range all {
			session.waiting.Add(1<<20 - int64(n-i)*step)
			if s.weigh(session); s.waiting.Load() > maxWaitingInAll.Value {
				t.Fatalf("%d bytes wait", s.waiting.Load())
			}
		}
	}
	if len(slow) < 7 || len(slow) >= n {
		t.Errorf("%d of %d are closed", len(slow), n)
	}
	for _, session := range slow {
		<-session.engine.(unconnected).closed
	}
	for _, session := range all {
		s.forget(session)
	}
	if left := s.waiting.Load(); left != 0 || len(s.sessions) != 0 {
		t.Errorf("%d bytes wait for %d sessions that have ended", left, len(s.sessions))
	}
}

// Large messages of all sessions that are not dealt with yet are bounded: nothing more is read until there is room. The end of a session
// makes some.
func TestWhatIsReceivedOfAllSessionsIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &Server{sessions: map[string]*Session{}, received: limits.NewBudget(maxReceivedInAll, maxReceivedOfClient, maxReceived)}
		const sessions, messages, large = 40, 5, 900_000
		var taken atomic.Int64
		var all []*Session
		var reading sync.WaitGroup
		for i := range sessions {
			client := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i / 4)}), 32)
			session := newSession(s, unconnected{id: string(rune('a' + i))}, s.received.Join(client))
			session.asked.Store(true)
			close(session.greeted)
			all = append(all, session)
			reading.Go(func() {
				for range messages {
					if session.take(&packet.Packet{Data: types.NewStringBufferString(strings.Repeat("x", large))}); session.alive.Err() == nil {
						taken.Add(1)
					}
				}
			})
		}
		synctest.Wait()
		first := taken.Load()
		if first*large > maxReceivedInAll.Value || first < 5 {
			t.Errorf("%d messages are taken", first)
		}
		for len(all) > 1 {
			all[0].taken() // one of it is dealt with
			synctest.Wait()
			s.forget(all[0])
			all = all[1:]
			synctest.Wait()
			if held := s.received.Held(); held > maxReceivedInAll.Value {
				t.Fatalf("%d bytes are held", held)
			}
		}
		s.forget(all[0])
		reading.Wait()
		if held := s.received.Held(); held != 0 || taken.Load() <= first {
			t.Errorf("in the end %d bytes are held, and %d messages were taken", held, taken.Load())
		}
	})
}
