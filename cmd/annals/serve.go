package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"annals/cmd/internal/node"
)

// Serve is the command that runs a server.
type Serve struct {
	ReadOnly    bool   `name:"read-only" help:"Serve what was, from --schema: nothing can be written."`
	Schema      string `placeholder:"SCHEMA" help:"With --read-only: what annals rebuild --until … --into has made."`
	node.Config `embed:""`
}

// Validate refuses flags that mean nothing together.
func (s *Serve) Validate() error {
	if s.ReadOnly != (s.Schema != "") {
		return errors.New("--read-only and --schema go together")
	}
	return s.Config.Validate()
}

// Run implements the command.
func (s *Serve) Run(ctx context.Context) error {
	o := node.Options{Config: s.Config, Logger: s.Logger()}
	slog.SetDefault(o.Logger) // what has no logger of its own speaks like everything else
	go keepMemory(ctx)
	if s.ReadOnly {
		return node.ServeAsOf(ctx, o, s.Schema, func(url string) {
			fmt.Printf("annals serves %s/api as it was — API page: %s/api/docs, health: %s/api/server/health\n", url, url, url)
		})
	}
	return node.Serve(ctx, o, func(url string) {
		fmt.Printf("annals serves %s/api — dashboard: %s/, API page: %s/api/docs, health: %s/api/server/health\n", url, url, url, url)
	})
}
