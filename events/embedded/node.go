// Package embedded is the default event store: a node in this process that speaks EventStoreDB's gRPC protocol, durable on
// Pebble. Every write is on disk before it is answered or visible.
package embedded

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

// Options for Open.
type Options struct {
	// Dir holds the log. It is created when missing.
	Dir string
	// FS is for tests of power loss (nil: the disk).
	FS vfs.FS
	// Logger nil: slog.Default().
	Logger *slog.Logger
	// TLS makes every TCP listener secure and credentials count there. Nil: plain, and credentials are ignored, as in
	// EventStoreDB's insecure mode. Unix sockets are plain and need no credentials: their permissions say who may come.
	TLS *tls.Config
	// Users are the logins and passwords of a node with TLS. Nil: admin and ops with the password "changeit", as
	// EventStoreDB is delivered.
	Users map[string]string
}

// Node is an open event store.
type Node struct {
	store    *store
	reserve  *reserve
	fs       vfs.FS
	tail     *tail
	writer   *writer
	groups   *groups
	server   *grpc.Server
	door     *door
	log      *slog.Logger
	closing  chan struct{} // subscriptions end when it is closed
	scrubbed chan struct{} // closed when the log was read, or on closing
	closed   chan struct{}
	once     sync.Once
	err      error
}

// maxReceive is the largest message taken, EventStoreDB's own: what is too large for an append must arrive to be refused.
const maxReceive = 17 << 20

// Open opens the log in o.Dir, recovering what a crash has left. A Dir can be open only once. The node
// outlives ctx; only Close ends it.
func Open(ctx context.Context, o Options) (*Node, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if err := o.FS.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the folder of the event log: %w", err)
	}
	kept := newReserve(o.FS, o.Dir)
	s, err := openStore(o.Dir, kept, o.Logger)
	if err != nil {
		kept.close()
		return nil, err
	}
	n := &Node{store: s, reserve: kept, fs: o.FS, log: o.Logger, closing: make(chan struct{}), scrubbed: make(chan struct{}), closed: make(chan struct{})}
	if err := n.start(ctx, o); err != nil {
		err = errors.Join(err, s.close())
		kept.close()
		return nil, err
	}
	return n, nil
}

func (n *Node) start(ctx context.Context, o Options) error {
	head, err := n.store.head()
	if err != nil {
		return err
	}
	n.tail = newTail(head)
	if n.writer, err = newWriter(n.store, n.tail, &diskSpace{reserve: n.reserve, log: o.Logger}, o.Logger); err != nil {
		return err
	}
	go n.writer.run()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if head == 0 {
		err = n.writeSystemEvents(ctx)
	}
	n.groups = newGroups(n)
	if err = errors.Join(err, n.groups.start(ctx)); err != nil {
		n.stopWriter(ctx)
		return err
	}
	n.door = newDoor(n, o.TLS)
	go n.door.serve()
	n.server = n.newServer(o)
	go n.scrub()
	return nil
}

func (n *Node) newServer(o Options) *grpc.Server {
	options := []grpc.ServerOption{
		grpc.Creds(n.door),
		grpc.ConnectionTimeout(knock),
		grpc.MaxRecvMsgSize(maxReceive),
		grpc.MaxSendMsgSize(maxReceive),
		grpc.WaitForHandlers(true),
		// Clients ping every ten seconds, also without a call: the default policy would send them away.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 2 * time.Second, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 10 * time.Second, Timeout: 10 * time.Second}),
		grpc.ChainUnaryInterceptor(unaryErrors),
		grpc.ChainStreamInterceptor(streamErrors),
	}
	if o.TLS != nil {
		known := users(o.Users)
		if known == nil {
			known = users{"admin": "changeit", "ops": "changeit"}
		}
		options = append(options, grpc.ChainUnaryInterceptor(known.unary), grpc.ChainStreamInterceptor(known.stream))
	}
	s := grpc.NewServer(options...)
	streams.RegisterStreamsServer(s, &streamsAPI{node: n})
	persistent.RegisterPersistentSubscriptionsServer(s, &persistentAPI{node: n})
	serverfeatures.RegisterServerFeaturesServer(s, featuresAPI{})
	gossip.RegisterGossipServer(s, gossipAPI{instance: uuid.New()})
	s.RegisterService(&backupService, n)
	return s
}

// Serve answers gRPC on l until Close; then it returns nil. It may be called for several listeners.
func (n *Node) Serve(l net.Listener) error {
	err := n.server.Serve(l)
	if errors.Is(err, grpc.ErrServerStopped) {
		return nil
	}
	return err
}

// Failed is closed when the log cannot be written until the node is restarted. Err then returns why. Reads go on.
func (n *Node) Failed() <-chan struct{} { return n.writer.broken }

// Err returns why the log cannot be written, once Failed is closed.
func (n *Node) Err() error {
	select {
	case <-n.writer.broken:
		return n.writer.failed
	default:
		return nil
	}
}

// Close ends subscriptions with UNAVAILABLE, lets running calls and pending writes finish as long as ctx allows, and closes
// the log. Closing twice waits for the first.
func (n *Node) Close(ctx context.Context) error {
	n.once.Do(func() {
		defer close(n.closed)
		close(n.closing)
		_ = n.door.close(ctx) // only a health page is cut short
		graceful := make(chan struct{})
		go func() {
			defer close(graceful)
			n.server.GracefulStop()
		}()
		select {
		case <-graceful:
		case <-ctx.Done():
			n.server.Stop()
			<-graceful
		}
		n.stopWriter(ctx)
		<-n.scrubbed
		if err := n.store.close(); err != nil {
			n.err = fmt.Errorf("close the event log: %w", err)
		}
		n.reserve.close()
	})
	<-n.closed
	return n.err
}

// stopWriter ends the groups, whose checkpoints are the last writes, and then the writer.
func (n *Node) stopWriter(ctx context.Context) {
	n.groups.stop(ctx, func(*group) error { return errStopped })
	close(n.writer.stop)
	<-n.writer.stopped
}

// startTimeout bounds what is written and read before a node serves.
const startTimeout = 30 * time.Second

// writeTimeout bounds how long a write waits for the disk, whatever its client allows.
const writeTimeout = 10 * time.Second

// write hands a write to the writer and waits until it is on disk.
func (n *Node) write(ctx context.Context, w *write) (outcome, error) {
	limited, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	o, err := n.writer.submit(limited, w)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return o, errTimeout
	}
	return o, err
}
