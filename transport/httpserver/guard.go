// Package httpserver bounds what the connections of an HTTP server hold, before and while net/http serves them.
//
// A connection waits for a request until its head is read whole: new ones for their first, idle ones for a further. Those that
// wait have places (see limits.Places): a flood of them closes its own oldest. A head is counted while it is read, in bytes and
// lines, since net/http makes much of many short lines; one that is too long is answered at once in the API's words, and what
// else the client sends is read and dropped for a moment, so that it gets to read the answer. What heads hold beyond their
// first 8 KiB counts for a budget of the client's address and of the server.
//
// While a request is served, a client that sends a body must send 16 KiB in stallTime wherever the handler bounds the time for
// the body at all, and one that is answered must take 64 KiB. A connection that was hijacked (a WebSocket) is left alone.
//
// There are no more connections than half of the process's file descriptors, so that the log and the database keep theirs.
package httpserver

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"annals/transport/limits"
)

// guard is a listener whose connections are bounded.
type guard struct {
	net.Listener
	log  *slog.Logger
	most int // connections

	fresh, idle *limits.Places[*conn]
	heads       *limits.Budget
	discards    *limits.Discards

	mu     sync.Mutex
	open   int
	warned time.Time
}

// Serve is server.Serve with connections that keep the bounds.
func Serve(server *http.Server, l net.Listener, log *slog.Logger) error {
	return server.Serve(newGuard(server, l, log))
}

func newGuard(server *http.Server, l net.Listener, log *slog.Logger) *guard {
	g := &guard{
		Listener: l, log: log, most: min(maxConnections.Int(), descriptors()/2),
		fresh: limits.NewPlaces[*conn](maxNew, maxNewOfClient), idle: limits.NewPlaces[*conn](maxIdle, maxIdleOfClient),
		heads:    limits.NewBudget(maxHeads, maxHeadsOfClient, maxHead),
		discards: limits.NewDiscards(maxDiscards, discardsWait),
	}
	server.ConnState = func(c net.Conn, state http.ConnState) {
		if c, ours := c.(*conn); ours {
			c.turns(state)
		}
	}
	server.ReadHeaderTimeout, server.IdleTimeout = headTime.Duration(), idleTime.Duration()
	server.MaxHeaderBytes = 2 * maxHead.Int() // ours is stricter, and says so
	return g
}

// descriptors is how many file descriptors the process may have.
func descriptors() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return maxConnections.Int()
	}
	return int(min(limit.Cur, 1<<30))
}

// Accept implements net.Listener. While there are no descriptors it waits for some.
func (g *guard) Accept() (net.Conn, error) {
	for {
		raw, err := g.Listener.Accept()
		switch {
		case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
			g.warn("no file descriptors are left for connections: those that wait are closed; raise the limit of open files", "error", err)
			g.makeRoom()
			time.Sleep(50 * time.Millisecond) // it is always ready
			continue
		case err != nil:
			return nil, err
		}
		if c := g.admit(raw); c != nil {
			return c, nil
		}
	}
}

// admit gives a new connection its place, nil where there is none.
func (g *guard) admit(raw net.Conn) *conn {
	client := limits.AddressOf(raw.RemoteAddr().String())
	c := &conn{Conn: raw, guard: g, client: client, heads: g.heads.Join(client)}
	g.mu.Lock()
	g.open++
	full := g.open > g.most
	g.mu.Unlock()
	if full {
		g.warn("there are as many connections as may be: those that wait are closed", "connections", g.most)
		if !g.makeRoom() {
			_ = c.say(busy) // which the system takes at once
			_ = c.Close()
			return nil
		}
	}
	if out, full := g.fresh.Enter(client, c); full {
		_ = out.Close()
	}
	return c
}

// makeRoom closes a connection that waits for a request. It reports whether there was one.
func (g *guard) makeRoom() bool {
	for _, waiting := range []*limits.Places[*conn]{g.fresh, g.idle} {
		if out, found := waiting.PutOut(); found {
			_ = out.Close()
			return true
		}
	}
	return false
}

// warn logs what goes on for a while now and then.
func (g *guard) warn(message string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.warned) > 10*time.Second {
		g.warned = time.Now()
		g.log.Warn(message, args...)
	}
}

// gone counts a connection that was closed.
func (g *guard) gone(c *conn) {
	g.fresh.Leave(c)
	g.idle.Leave(c)
	c.heads.Leave()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
}
