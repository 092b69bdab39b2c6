package carrier

import (
	"testing"

	"github.com/zishang520/socket.io/servers/engine/v3"
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
	for i := range n {
		session := newSession(s, unconnected{id: string(rune('a' + i)), closed: make(chan struct{})})
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
