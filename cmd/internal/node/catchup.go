package node

import (
	"context"
	"time"

	"annals/projections"
)

// patience is how long a starting server holds back for read models that are behind; then it serves what there is.
const patience = 10 * time.Second

// pushedGroups answer for what subscribers of /ws are told; askedGroups for what is only asked for.
var (
	pushedGroups = []string{projections.GroupCore, projections.GroupMemories}
	askedGroups  = []string{projections.GroupVectors, projections.GroupHistory}
)

// catchUp waits for the read models, but not for ever.
func (s *server) catchUp(ctx context.Context) error {
	caughtUp := make(chan struct{})
	s.background(ctx, "catching up", func(ctx context.Context) error {
		defer close(caughtUp)
		defer ring(s.filesGone)
		return s.begin(ctx)
	})
	select {
	case <-caughtUp:
	case <-ctx.Done():
	case <-time.After(patience):
		s.Logger.Warn("serving with read models that are behind: see /api/server/health")
	}
	return nil
}

// begin waits until what was in the log at the start can be read, and lets the subscribers begin there.
func (s *server) begin(ctx context.Context) error {
	start, err := s.feed.From(ctx)
	if err != nil {
		return err
	}
	if err := Await(ctx, s.feed, start, pushedGroups...); err != nil {
		return err
	}
	s.live.Begin(start) //nolint:contextcheck // sockets outlive the start
	return Await(ctx, s.feed, start, askedGroups...)
}
