package esdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"annals/events"
)

// grace is how long a client may go on with calls that nobody waits for before it is closed under them.
const grace = time.Second

// link is one official client, used until its node is lost and never again: after a loss the client forgets its connection
// without closing it, and gives up for good when the node stays away.
type link struct {
	client *esdb.Client
	lost   chan struct{} // closed once the node is lost
	once   sync.Once
	gone   atomic.Bool
	calls  sync.WaitGroup
	// gate is held for reading by calls that are still asking the client for its connection. Such a call would make a
	// client that has lost its node look for it again.
	gate sync.RWMutex
}

// connect makes a client and waits, for as long as the configuration allows, until it has reached the node.
func connect(config esdb.Configuration, log *slog.Logger) (*link, error) {
	l := &link{lost: make(chan struct{})}
	config.MaxDiscoverAttempts = 1 // the supervisor repeats; a client that goes on by itself could not be ended
	config.DiscoveryInterval = 1
	config.Logger = func(level esdb.LogLevel, format string, args ...any) {
		log.Debug("event store client", "level", level, "said", fmt.Sprintf(format, args...))
		l.overhear(level, args)
	}
	client, err := esdb.NewClient(&config)
	if err != nil {
		return nil, err
	}
	l.client = client
	if _, err := client.GetServerVersion(); err != nil {
		_ = client.Close()
		return nil, err
	}
	return l, nil
}

// overhear learns of a loss from what the client logs, because that comes before the client forgets its connection: the
// failing call goes on when no other call can ask for a new one any more.
func (l *link) overhear(level esdb.LogLevel, args []any) {
	if level != esdb.LogError || len(args) != 1 {
		return
	}
	if err, ok := args[0].(error); ok && status.Code(err) == codes.Unavailable {
		l.retire()
		l.awaitStarts()
	}
}

// retire ends the use of the link. Its supervisor closes it.
func (l *link) retire() {
	l.once.Do(func() {
		l.gone.Store(true)
		close(l.lost)
	})
}

// awaitStarts returns when no call is asking for the connection. Those that come later are refused.
func (l *link) awaitStarts() {
	l.gate.Lock()
	defer l.gate.Unlock()
}

// bury closes the client when the last call has left it, and after a while under those that hang: closing makes them panic.
func (l *link) bury() {
	hung := time.AfterFunc(grace, func() { _ = l.client.Close() })
	l.awaitStarts()
	l.calls.Wait()
	hung.Stop()
	_ = l.client.Close()
}

// errLost: the client has lost its node, or itself.
var errLost = errors.New("the connection was lost")

// use runs f with the client, and turns the client's panics into errors.
func use[T any](ctx context.Context, l *link, f func(context.Context, *esdb.Client) (T, error)) (value T, err error) {
	l.gate.RLock()
	if l.gone.Load() {
		l.gate.RUnlock()
		return value, fmt.Errorf("%w: %w", events.ErrUnavailable, errLost)
	}
	l.calls.Add(1)
	defer l.calls.Done()
	started := sync.OnceFunc(l.gate.RUnlock)
	defer started()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %w: the client panicked: %v", events.ErrUnavailable, errLost, r)
		}
	}()
	value, err = f(begun{ctx, started}, l.client) //nolint:contextcheck // it is ctx, watched
	return value, classify(err)
}

// begun tells when the client has its connection: it then derives a deadline from the context, and not before.
type begun struct {
	context.Context
	tell func()
}

// Deadline implements context.Context.
func (b begun) Deadline() (time.Time, bool) {
	b.tell()
	return b.Context.Deadline()
}
