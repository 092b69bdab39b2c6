// Package esdbtest gives tests a log of their own: the embedded event store, reached as in production.
package esdbtest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"math/big"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"

	"annals/deploy/host/hosttest"
	"annals/events"
	"annals/events/embedded"
	"annals/events/esdb"
)

const patience = 30 * time.Second

// Transport is how a log is reached.
type Transport string

// Unix is the socket of the embedded default; TCP and TLS are what clients elsewhere have.
const (
	Unix Transport = "unix socket"
	TCP  Transport = "TCP"
	TLS  Transport = "TLS"
)

// Log is an event store of its own that a test can append to and restart.
type Log struct {
	*esdb.Store
	Codec *events.Codec
	t     testing.TB
	over  Transport
	dir   string
	disk  vfs.FS // the machine's where nil
	// network and address are where the node listens, at every start the same.
	network, address string
	certificate      *tls.Config
	node             *embedded.Node // nil while it is away
	served           chan error
	mu               sync.Mutex
	revisions        map[events.StreamID]events.Revision
}

// New starts an empty store, which ends with the test.
func New(t testing.TB) *Log {
	t.Helper()
	return Over(t, Unix)
}

// Over starts an empty store that is reached in this way.
func Over(t testing.TB, over Transport) *Log {
	t.Helper()
	return begin(t, over, nil)
}

// On starts an empty store on this disk.
func On(t testing.TB, disk vfs.FS) *Log {
	t.Helper()
	return begin(t, Unix, disk)
}

func begin(t testing.TB, over Transport, disk vfs.FS) *Log {
	t.Helper()
	short := hosttest.ShortDir(t)
	l := &Log{
		t: t, over: over, disk: disk, dir: filepath.Join(short, "events"), network: "tcp", address: "127.0.0.1:0",
		revisions: map[events.StreamID]events.Revision{},
	}
	switch over {
	case Unix:
		l.network, l.address = "unix", filepath.Join(short, "s")
	case TLS:
		l.certificate = selfSigned(t)
	}
	l.start()
	t.Cleanup(l.Stop)
	keys, err := events.NewFileKeys(filepath.Join(short, "keys"))
	must(t, err)
	l.Codec = events.NewCodec(keys)
	o := l.Options()
	o.Codec = l.Codec
	l.Store, err = esdb.Open(t.Context(), o)
	must(t, err)
	return l
}

// Options reach the log for another client; its codec is missing.
func (l *Log) Options() esdb.Options {
	o := esdb.Options{Logger: slog.New(slog.DiscardHandler)}
	switch l.over {
	case Unix:
		o.Socket = l.address
	case TCP:
		o.URL = "esdb://" + l.address + "?tls=false"
	case TLS:
		o.URL = "esdb://admin:changeit@" + l.address + "?tlsverifycert=false"
	}
	return o
}

// Stop ends client and store before the test ends.
func (l *Log) Stop() {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if l.Store != nil {
		must(l.t, l.Close(ctx))
	}
	if l.node != nil {
		l.stop()
	}
}

func (l *Log) start() {
	l.t.Helper()
	var err error
	l.node, err = embedded.Open(l.t.Context(), embedded.Options{Dir: l.dir, FS: l.disk, TLS: l.certificate, Logger: slog.New(slog.DiscardHandler)})
	must(l.t, err)
	listener, err := new(net.ListenConfig).Listen(l.t.Context(), l.network, l.address)
	must(l.t, err)
	l.address = listener.Addr().String()
	node, served := l.node, make(chan error, 1)
	l.served = served
	go func() { served <- node.Serve(listener) }()
}

func (l *Log) stop() {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	must(l.t, l.node.Close(ctx))
	l.node = nil
	must(l.t, <-l.served)
}

// selfSigned is a certificate for the loopback address.
func selfSigned(t testing.TB) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}

// Restart takes the store away for a moment. Not for use beside Record.
func (l *Log) Restart() {
	l.t.Helper()
	l.Without(func() {})
}

// Without takes the store away for as long as f runs. Not for use beside Record.
func (l *Log) Without(f func()) {
	l.t.Helper()
	l.stop()
	defer l.start()
	f()
}

// Record appends facts to a stream as having happened at that time, and gives the position of the last.
func (l *Log) Record(s events.StreamID, at time.Time, facts ...events.Event) events.Position {
	l.t.Helper()
	p, err := l.TryRecord(s, at, facts...)
	must(l.t, err)
	return p
}

// TryRecord does the same with what the codec may refuse.
func (l *Log) TryRecord(s events.StreamID, at time.Time, facts ...events.Event) (events.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	proposed := make([]events.Proposed, len(facts))
	for i, f := range facts {
		proposed[i] = events.Proposed{ID: uuid.New(), Event: f, Meta: events.Metadata{At: at}}
	}
	expect, ok := l.revisions[s]
	if !ok {
		expect = events.NoStream
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	p, err := l.Append(ctx, s, expect, proposed...)
	if err == nil {
		l.revisions[s] = expect + events.Revision(len(facts))
	}
	return p, err
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
