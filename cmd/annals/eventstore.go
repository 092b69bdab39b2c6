package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"annals/cmd/internal/node"
	"annals/deploy/host"
	"annals/events/embedded"
)

// Eventstore is the embedded event store alone, for official clients and other Annals nodes, and what is done to its log.
type Eventstore struct {
	Serve  StoreServe  `cmd:"" default:"1" help:"Run it (the default)."`
	Backup StoreBackup `cmd:"" help:"Copy the log to a new folder, which can be served itself. A running node goes on."`
	Export StoreExport `cmd:"" help:"Write every event as a line of JSON: ids, dates, revisions and positions included."`
	Import StoreImport `cmd:"" help:"Make a log from an export, in a new folder."`
	Verify StoreVerify `cmd:"" help:"Read the whole log and say what is damaged."`
}

// LogFolder is where a log is kept.
type LogFolder struct {
	Data     string     `name:"data" placeholder:"DIR" help:"Folder of the log; otherwise events in the data folder."`
	DataDir  string     `name:"data-dir" env:"DATA_DIR" default:".annals" help:"The data folder of a server."`
	LogLevel node.Level `name:"log-level" env:"LOG_LEVEL" default:"info" help:"What is written to the standard error: debug, info, warn or error."`
}

// path is the folder of the log.
func (f LogFolder) path() string {
	if f.Data != "" {
		return f.Data
	}
	return filepath.Join(f.DataDir, "events")
}

// remedied adds what to do to an error of the folder, or of what is in it.
func (f LogFolder) remedied(err error) error {
	var of *fs.PathError
	if err == nil || !errors.As(err, &of) {
		return err
	}
	return fmt.Errorf("%w; set DATA_DIR to the folder of a server, or --data to that of a log, which this user can use", err)
}

// StoreServe runs the node.
type StoreServe struct {
	Listen    string `name:"listen" default:"127.0.0.1:2113" help:"Address to listen on."`
	Cert      string `name:"cert" placeholder:"FILE" help:"Certificate for TLS."`
	Key       string `name:"key" placeholder:"FILE" help:"Key of the certificate."`
	LogFolder `embed:""`
}

// Run implements the command.
func (s *StoreServe) Run(ctx context.Context) error {
	options := embedded.Options{Dir: s.path(), Logger: s.LogLevel.Logger()}
	if s.Cert != "" || s.Key != "" {
		pair, err := tls.LoadX509KeyPair(s.Cert, s.Key)
		if err != nil {
			return fmt.Errorf("certificate: %w", err)
		}
		options.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	folder, err := filepath.Abs(s.path())
	if err != nil {
		return err
	}
	network, err := new(net.ListenConfig).Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return err
	}
	defer func() { _ = network.Close() }()
	store, err := embedded.Open(ctx, options)
	if err != nil {
		return s.remedied(err)
	}
	local, err := host.ListenPrivate(node.SocketPath(folder)) // whoever has the log open may replace the socket
	if err != nil {
		return errors.Join(err, store.Close(ctx))
	}
	fmt.Printf("annals eventstore listens on %s\n", network.Addr())
	return serveUntil(ctx, store, network, local)
}

// serveUntil serves the node until the context ends, a listener fails or the log cannot be written any more, and closes it.
func serveUntil(ctx context.Context, store *embedded.Node, network, local net.Listener) error {
	served, failed := errgroup.WithContext(ctx)
	served.Go(func() error { return store.Serve(limitConnections(network, maxStoreConnections.Int())) })
	served.Go(func() error {
		lost := func(err error) { slog.Warn("the event store lost its socket and listens again", "error", err) }
		return host.KeepServing(local, local.Addr().String(), store.Serve, lost)
	})
	served.Go(func() error {
		select {
		case <-store.Failed():
			return store.Err()
		case <-failed.Done():
			return nil
		}
	})
	<-failed.Done()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), node.Drain)
	defer cancel()
	return errors.Join(store.Close(stopping), served.Wait())
}
