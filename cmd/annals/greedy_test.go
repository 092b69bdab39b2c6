package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"annals/deploy/postgres/pgtest"
)

// resident is the memory of a process, in bytes.
func (p *process) resident(t testing.TB) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	n, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

// Clients that ask for much and do not read cost little: a socket that subscribes many times from the beginning, and clients that list
// many large messages.
func TestClientsThatDoNotReadCostLittleMemory(t *testing.T) {
	t.Parallel() // it waits most of the time

	const most = 200 << 20
	messages, lasts := setting("ANNALS_GREEDY", 50, 100), time.Duration(setting("ANNALS_GREEDY_SECONDS", 4, 8))*time.Second // of 600 KB
	p := spawn(t, "SERVER_PORT=0", "DATA_DIR="+t.TempDir(), "POSTGRES_URL="+pgtest.New(t))
	channel := p.channel(t, "GROUP")
	text := strings.Repeat("much ado ", 600<<10/9)
	var first string
	for n := range messages {
		_, a, err := p.post(t.Context(), channel, fmt.Sprint(n, text))
		if err != nil || a.status != http.StatusCreated {
			t.Fatalf("%v %d %s", err, a.status, a.body)
		}
		if first == "" {
			first = a.header.Get("X-Annals-Position")
		}
	}
	log, _, _ := strings.Cut(first, ".")
	host := strings.TrimPrefix(p.base, "http://")
	for name, attack := range map[string]func(t *testing.T){
		"subscriptions": func(t *testing.T) {
			conn, res, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+host+"/ws", nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			t.Cleanup(func() { _ = conn.Close() })
			for n := range 32 {
				if err := conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"id":"%d","subscribe":{},"after":"%s.0"}`, n, log)); err != nil {
					t.Fatal(err)
				}
			}
		},
		"lists": func(t *testing.T) {
			for range 12 {
				conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", host)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = conn.Close() })
				request := "GET /api/messaging/central-channels/" + channel + "/messages?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n"
				if _, err := conn.Write(bytes.Repeat([]byte(request), 2)); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			before, peak := p.resident(t), 0
			attack(t)
			for end := time.Now().Add(lasts); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
				peak = max(peak, p.resident(t))
			}
			t.Logf("%d MB before, %d MB at most", before>>20, peak>>20)
			if peak-before > most {
				t.Errorf("the memory rose by %d MB", (peak-before)>>20)
			}
			if _, a, err := p.post(t.Context(), channel, "beside it"); err != nil || a.status != http.StatusCreated {
				t.Errorf("a post beside it: %v %d", err, a.status)
			}
		})
	}
}
