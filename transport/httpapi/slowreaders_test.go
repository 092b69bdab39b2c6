package httpapi_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"annals/transport/httpapi"
	"annals/transport/httpapi/frame"
	"annals/transport/limits"
)

// asksWithoutReading sends a request over a connection of its own that takes next to nothing of the answer.
func (s *fixture) asksWithoutReading(path string) net.Conn {
	s.T.Helper()
	conn, err := new(net.Dialer).DialContext(s.T.Context(), "tcp", strings.TrimPrefix(s.URL, "http://"))
	must(s.T, err)
	s.T.Cleanup(func() { _ = conn.Close() })
	must(s.T, conn.(*net.TCPConn).SetReadBuffer(4<<10))
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
	must(s.T, err)
	return conn
}

// Clients that do not read an answer which goes on hold no more than their share, others are answered beside them, and their
// connections are closed after a while.
func TestClientsThatDoNotReadWhatIsStreamedAreClosed(t *testing.T) {
	t.Parallel()
	const client, n = 4 << 20, 10
	bound := func(n int64) limits.Bound { return limits.Bound{Value: n} }
	pages := limits.NewBudget(bound(64<<20), bound(client), bound(8<<20))
	s := serve(t, func(o *httpapi.Options) { o.Frame.Pages = pages })
	agent := s.newAgent("Hoarder")
	for i := range 20 { // 12 MB
		s.Ask("POST", "/api/agents/"+agent+"/memories", fields{"content": fields{"text": fmt.Sprint(i, large)}}).Is(201)
		s.Ask("POST", chat+"/messages", fields{"author_id": ann, "content": fmt.Sprint(i, large), "server_id": "0"}).Is(201)
	}
	s.CaughtUp()
	for range n {
		s.asksWithoutReading("/api/memory/agents/" + agent + "/export?format=ndjson")
		s.asksWithoutReading("/api/history/events?format=ndjson")
		s.asksWithoutReading("/api/server/logs/stream")
	}
	s.Eventually("answers wait for their clients, and logs are followed", func() bool { return pages.Held() > 0 && s.API.Followers() > 0 })
	said := slog.New(s.Lines.Beside(slog.NewTextHandler(io.Discard, nil)))
	closed := time.Now().Add(frame.LineWait + 2*patience)
	for line := strings.Repeat("x", 8<<10); pages.Held() > 0 || s.API.Followers() > 0; time.Sleep(10 * time.Millisecond) {
		if held := pages.Held(); held > client+1<<20 {
			t.Fatalf("answers that are not taken hold %d bytes", held)
		}
		if time.Now().After(closed) {
			t.Fatalf("answers that nobody takes hold %d bytes, and %d clients follow", pages.Held(), s.API.Followers())
		}
		for range 20 {
			said.Info(line)
		}
		s.Ask("GET", "/api/agents/"+agent, nil).Is(200)
	}
	s.Ask("GET", chat+"/messages?limit=5", nil).Is(200)
}
