package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// Serve is the command that runs a server.
type Serve struct {
	Config   `embed:""`
	ReadOnly bool   `name:"read-only" help:"Serve what was, from --schema: nothing can be written."`
	Schema   string `help:"With --read-only: what annals rebuild --until … --into has made."`
}

// Run implements the command.
func (s *Serve) Run(ctx context.Context) error {
	if s.ReadOnly != (s.Schema != "") {
		return errors.New("--read-only and --schema go together")
	}
	run := serve
	if s.ReadOnly {
		run = func(ctx context.Context, c Config, log *slog.Logger, ready func(string)) error {
			return servePast(ctx, c, s.Schema, log, ready)
		}
	}
	log := s.logger()
	slog.SetDefault(log) // what has no logger of its own speaks like everything else
	return run(ctx, s.Config, log, func(url string) {
		fmt.Printf("annals serves %s/api — dashboard: %s/, API page: %s/api/docs, health: %s/api/server/health\n", url, url, url, url)
	})
}
