package carrier

// freeWaiting is how much may wait for a session that counts towards no bound.
const freeWaiting = 64 << 10

// weigh counts what waits for a session and, while too much waits in all, closes the session for which most does. What a WebSocket has
// written meanwhile is found out then.
func (s *Server) weigh(session *Session) {
	if session.count(); s.waiting.Load() <= maxWaitingInAll.Value {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var worst *Session
	most := int64(0)
	for _, other := range s.sessions {
		if n := other.count(); n > most {
			worst, most = other, n
		}
	}
	if worst != nil && s.waiting.Load() > maxWaitingInAll.Value {
		worst.cannotKeepUp()
		worst.count()
	}
}

// count brings what waits for a session into account, and returns how much that is. What waits for one that is being closed counts no
// more.
func (s *Session) count() int64 {
	s.counting.Lock()
	defer s.counting.Unlock()
	beyond := max(0, s.Behind()-freeWaiting)
	if s.slow.Load() || s.alive.Err() != nil {
		beyond = 0
	}
	s.server.waiting.Add(beyond - s.counted)
	s.counted = beyond
	return beyond
}
