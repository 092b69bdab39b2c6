package main

import (
	"log/slog"
	"net"
	"sync"
	"time"

	"annals/transport/limits"
)

var maxStoreConnections = limits.Declare(limits.Bound{
	Name: "eventstore.connections", What: "connections to `annals eventstore` over the network", Per: limits.Server, Value: 1024, Unit: limits.Count,
	Answer: "the new one is closed, and the log says so",
})

// limitConnections returns a listener that has no more than so many connections open, and closes further ones at once.
func limitConnections(l net.Listener, most int) net.Listener {
	return &limitedListener{Listener: l, open: make(chan struct{}, most)}
}

type limitedListener struct {
	net.Listener
	open   chan struct{} // an entry for each open connection
	warned time.Time     // used by Accept alone, which one goroutine calls
}

// Accept implements net.Listener.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.open <- struct{}{}:
			return &limitedConn{Conn: c, leave: sync.OnceFunc(func() { <-l.open })}, nil
		default:
			_ = c.Close()
		}
		if time.Since(l.warned) > 10*time.Second {
			l.warned = time.Now()
			slog.Warn("the event store has as many connections as may be: new ones are closed", "connections", cap(l.open))
		}
	}
}

// limitedConn makes room for another connection when it is closed.
type limitedConn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
