package main

import (
	"io"
	"net"
	"testing"
)

func TestTheEventStoreClosesConnectionsBeyondItsBound(t *testing.T) {
	t.Parallel()
	raw, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := limitConnections(raw, 2)
	accepted := make(chan net.Conn, 4)
	go func() {
		defer close(accepted)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	dial := func() net.Conn {
		t.Helper()
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", raw.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	dial()
	dial()
	first, second := <-accepted, <-accepted
	if _, err := io.ReadFull(dial(), make([]byte, 1)); err == nil {
		t.Error("a third connection was served")
	}
	_ = first.Close()
	_ = first.Close() // makes room once
	dial()
	if _, err := io.ReadFull(dial(), make([]byte, 1)); err == nil {
		t.Error("a connection that was closed twice made room for two")
	}
	_ = second.Close()
	_ = (<-accepted).Close()
}
