package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// keyed shows the key with every request.
type keyed struct{ http.RoundTripper }

func (k keyed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-API-KEY", attackKey)
	return k.RoundTripper.RoundTrip(r)
}

// fill gives a server something that is worth an attack: large messages, and memories to look through.
func fill(t *testing.T, p *process, messages int) *attacked {
	t.Helper()
	p.http.Transport = keyed{p.http.Transport}
	a := &attacked{process: p, client: 1, pause: 20 * time.Millisecond, target: target{
		Base: p.base, Host: strings.TrimPrefix(p.base, "http://"), Agent: p.runningAgent(t, "Eliza"), Channel: p.channel(t, "GROUP"),
	}}
	large := strings.Repeat("much ado ", 600<<10/9)
	for n := range messages {
		_, said, err := p.post(t.Context(), a.Channel, fmt.Sprint(n, large))
		if err != nil || said.status != http.StatusCreated {
			t.Fatalf("%v %d", err, said.status)
		}
		a.Log, _, _ = strings.Cut(said.header.Get("X-Annals-Position"), ".")
	}
	var lines strings.Builder
	for n := range 5000 {
		fmt.Fprintf(&lines, `{"type":"memory","data":{"content":{"text":"tea and roses %d"}}}`+"\n", n)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.base+"/api/memory/agents/"+a.Agent+"/import", strings.NewReader(lines.String()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-ndjson")
	res, err := p.http.Do(r)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(err, res)
	}
	_ = res.Body.Close()
	return a
}

// attacks are made at the same time, each from an address of its own, until the context ends. What they are answered does not matter.
var attacks = []struct {
	name string
	do   func(ctx context.Context, a target, last int)
}{
	{"sessions of Socket.IO without the key", func(ctx context.Context, a target, last int) {
		a.repeat(ctx, last, 10, http.MethodGet, func() string { return "/socket.io/?EIO=4&transport=polling" }, nil, "")
	}},
	{"heads that do not end", func(ctx context.Context, a target, last int) {
		a.connections(ctx, last, 200, []byte("GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: "), bytes.Repeat([]byte("x"), 16<<10))
	}},
	{"many lines in a head", func(ctx context.Context, a target, last int) {
		a.connections(ctx, last, 100, []byte("GET / HTTP/1.1\r\nHost: localhost\r\n"), bytes.Repeat([]byte("A: b\r\n"), 1<<10))
	}},
	{"guesses at the key", func(ctx context.Context, a target, last int) {
		a.repeat(ctx, last, 4, http.MethodGet, alternate("/metrics", "/ws", "/api/agents", "/media/uploads/agents/x/a.png"), nil, "wrong")
	}},
	{"uploads that stall", func(ctx context.Context, a target, last int) {
		head := "POST /api/media/agents/" + a.Agent + "/upload HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: " + attackKey +
			"\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n"
		a.connections(ctx, last, 64, []byte(head), nil)
	}},
	{"searches, statistics and exports", func(ctx context.Context, a target, last int) {
		of := "/api/memory/agents/" + a.Agent
		a.repeat(ctx, last, 40, http.MethodGet, alternate(of+"/memories/search?q=tea+-zzz&limit=1000", of+"/stats", of+"/insights", of+"/export", "/api/history/events?limit=1000"), nil, attackKey)
	}},
	{"searches of negations", func(ctx context.Context, a target, last int) {
		a.repeat(ctx, last, 10, http.MethodPost, alternate("/api/messaging/messages/search"), []byte(`{"query":"much -zzz","limit":1000}`), attackKey)
	}},
	{"subscriptions that are not read", func(ctx context.Context, a target, last int) {
		d := websocket.Dialer{NetDialContext: from(last).DialContext}
		for range 4 {
			conn, res, err := d.DialContext(ctx, "ws://"+a.Host+"/ws", http.Header{"X-API-KEY": {attackKey}})
			if err != nil {
				return
			}
			_ = res.Body.Close()
			defer func() { _ = conn.Close() }()
			for n := range 32 {
				_ = conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"id":"%d","subscribe":{},"after":"%s.0"}`, n, a.Log))
			}
		}
		<-ctx.Done()
	}},
	{"lists that are not read", func(ctx context.Context, a target, last int) {
		request := "GET /api/messaging/central-channels/" + a.Channel + "/messages?limit=1000 HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: " + attackKey + "\r\n\r\n"
		a.connections(ctx, last, 12, bytes.Repeat([]byte(request), 3), nil)
	}},
	{"imports of one endless value", func(ctx context.Context, a target, last int) {
		head := "POST /api/memory/agents/" + a.Agent + "/import HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: " + attackKey +
			"\r\nContent-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n{\"name\":\""
		a.connections(ctx, last, 30, []byte(head), bytes.Repeat([]byte("x"), 64<<10))
	}},
	{"deep JSON, and bodies that are no such", func(ctx context.Context, a target, last int) {
		a.repeat(ctx, last, 4, http.MethodPost, alternate("/api/messaging/central-channels/"+a.Channel+"/messages"), bytes.Repeat([]byte("["), 1<<20), attackKey)
	}},
	{"thousands of parameters, ranges and tags", func(ctx context.Context, a target, last int) {
		a.repeat(ctx, last, 4, http.MethodGet, alternate("/api/agents?"+strings.Repeat("limit=1&", 6000), "/api/openapi.json", "/socket.io/socket.io.js"), nil, attackKey)
	}},
	{"logs that are followed by many", func(ctx context.Context, a target, last int) {
		request := "GET /api/server/logs/stream HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: " + attackKey + "\r\n\r\n"
		a.connections(ctx, last, 300, []byte(request), nil)
	}},
	{"WebSockets that say nothing", func(ctx context.Context, a target, last int) {
		request := "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
		a.connections(ctx, last, 500, []byte(request), nil)
	}},
	{"a channel that is made, filled and deleted", func(ctx context.Context, a target, last int) {
		c := &http.Client{Transport: from(last)}
		path := a.Base + "/api/messaging/central-channels/" + somebody
		for ctx.Err() == nil {
			var posts sync.WaitGroup
			for range 10 {
				posts.Go(func() {
					_, _ = ask(ctx, c, http.MethodPost, path+"/messages", strings.NewReader(`{"author_id":"`+somebody+`","server_id":"0","content":"x"}`), attackKey)
				})
			}
			_, _ = ask(ctx, c, http.MethodDelete, path, nil, attackKey)
			posts.Wait()
		}
	}},
}

// alternate gives one after the other.
func alternate(paths ...string) func() string {
	var mu sync.Mutex
	n := 0
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		n++
		return paths[n%len(paths)]
	}
}

// repeat asks again and again, several at a time.
func (a target) repeat(ctx context.Context, last, several int, method string, path func() string, body []byte, key string) {
	c := &http.Client{Transport: from(last)}
	var all sync.WaitGroup
	for range several {
		all.Go(func() {
			for ctx.Err() == nil {
				_, _ = ask(ctx, c, method, a.Base+path(), bytes.NewReader(body), key)
			}
		})
	}
	all.Wait()
}

// connections keeps connections open that send a beginning, then more again and again, and read nothing. One that is closed is replaced.
func (a target) connections(ctx context.Context, last, many int, begin, more []byte) {
	d := from(last).DialContext
	var all sync.WaitGroup
	for range many {
		all.Go(func() {
			for ctx.Err() == nil {
				if conn, err := d(ctx, "tcp", a.Host); err == nil {
					a.send(ctx, conn, begin, more)
				}
			}
		})
	}
	all.Wait()
}

func (a target) send(ctx context.Context, conn net.Conn, begin, more []byte) {
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer func() { _ = conn.Close() }()
	_, err := conn.Write(begin)
	for err == nil && len(more) > 0 {
		_ = conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
		_, err = conn.Write(more)
	}
	if err == nil {
		_, _ = io.CopyN(io.Discard, conn, 1) // until it is closed, or answered
		<-time.After(time.Second)
	}
}
