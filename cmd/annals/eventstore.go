package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"

	"annals/events/embedded"
)

// Eventstore is the command that runs the embedded event store alone, for official clients and other Annals nodes.
type Eventstore struct {
	Listen   string `name:"listen" default:"127.0.0.1:2113" help:"Address to listen on."`
	Data     string `name:"data" default:".annals/events" help:"Folder of the log."`
	Cert     string `name:"cert" help:"Certificate for TLS."`
	Key      string `name:"key" help:"Key of the certificate."`
	LogLevel string `name:"log-level" env:"LOG_LEVEL" default:"info" help:"debug, info, warn or error."`
}

// Run implements the command.
func (e *Eventstore) Run(ctx context.Context) error {
	options := embedded.Options{Dir: e.Data, Logger: Config{LogLevel: e.LogLevel}.logger()}
	if e.Cert != "" || e.Key != "" {
		pair, err := tls.LoadX509KeyPair(e.Cert, e.Key)
		if err != nil {
			return fmt.Errorf("certificate: %w", err)
		}
		options.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", e.Listen)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	node, err := embedded.Open(ctx, options)
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- node.Serve(l) }()
	fmt.Printf("annals eventstore listens on %s\n", l.Addr())
	select {
	case <-ctx.Done():
	case err = <-served:
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if closeErr := node.Close(stopping); closeErr != nil {
		return closeErr
	}
	return err
}
