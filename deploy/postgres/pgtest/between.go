package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Between stands between a server and PostgreSQL, and can keep an answer back, or pass on nothing at all.
type Between struct {
	net.Listener
	network string
	server  string
	mu      sync.Mutex
	pairs   map[net.Conn]net.Conn
	mute    bool
	half    map[net.Conn]bool // of the next answer half is passed on
	stalled chan struct{}     // closed when it passes on again; nil while it does
}

// NewBetween gives the URL under which PostgreSQL at url is reached through it.
func NewBetween(t testing.TB, url string) (*Between, string) {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	must(t, err)
	dir, err := os.MkdirTemp("", "between")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	name := fmt.Sprintf(".s.PGSQL.%d", config.Port)
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", filepath.Join(dir, name))
	must(t, err)
	return begin(t, l, "unix", filepath.Join(config.Host, name)), fmt.Sprintf("postgres:///%s?host=%s&port=%d&user=%s&password=%s", config.Database, dir, config.Port, config.User, config.Password)
}

// NewBetweenTCP gives the address at which another server is reached through it.
func NewBetweenTCP(t testing.TB, server string) (*Between, string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	return begin(t, l, "tcp", server), l.Addr().String()
}

func begin(t testing.TB, l net.Listener, network, server string) *Between {
	t.Helper()
	b := &Between{Listener: l, network: network, server: server, pairs: map[net.Conn]net.Conn{}, half: map[net.Conn]bool{}}
	var serving sync.WaitGroup
	serving.Go(func() { b.serve(&serving) })
	t.Cleanup(func() {
		must(t, l.Close())
		b.Stall(false)
		b.Cut()
		serving.Wait()
	})
	return b
}

func (b *Between) serve(serving *sync.WaitGroup) {
	for {
		client, err := b.Accept()
		if err != nil {
			return
		}
		var d net.Dialer
		server, err := d.DialContext(context.Background(), b.network, b.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		b.mu.Lock()
		b.pairs[client] = server
		b.mu.Unlock()
		serving.Go(func() {
			_, _ = io.Copy(writeFunc(func(p []byte) (int, error) { b.wait(); return server.Write(p) }), client)
			_ = server.Close()
		})
		serving.Go(func() {
			_, _ = io.Copy(writeFunc(func(p []byte) (int, error) { return b.answer(client, p) }), server)
			_ = client.Close()
		})
	}
}

type writeFunc func([]byte) (int, error)

func (w writeFunc) Write(p []byte) (int, error) { return w(p) }

// Stall makes it pass on nothing, and then again everything.
func (b *Between) Stall(stalled bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case stalled:
		b.stalled = make(chan struct{})
	case b.stalled != nil:
		close(b.stalled)
		b.stalled = nil
	}
}

func (b *Between) wait() {
	b.mu.Lock()
	stalled := b.stalled
	b.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
}

func (b *Between) answer(client net.Conn, p []byte) (int, error) {
	b.wait()
	b.mu.Lock()
	mute, half := b.mute, b.half[client]
	delete(b.half, client)
	b.mu.Unlock()
	if mute {
		return len(p), nil
	}
	if half {
		_, _ = client.Write(p[:len(p)/2])
		return 0, errHalved
	}
	return client.Write(p)
}

var errHalved = errors.New("the rest of the answer is kept back")

// Halve makes it pass on half of the next answer on each connection, and then end the connection.
func (b *Between) Halve() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for client := range b.pairs {
		b.half[client] = true
	}
}

// KeepAnswers makes it lose what PostgreSQL answers.
func (b *Between) KeepAnswers(keep bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mute = keep
}

// Cut ends every connection.
func (b *Between) Cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for client, server := range b.pairs {
		_ = client.Close()
		_ = server.Close()
		delete(b.pairs, client)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
