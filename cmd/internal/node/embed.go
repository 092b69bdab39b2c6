package node

import (
	"context"

	"annals/commands/reactions"
	"annals/events"
	"annals/events/esdb"
	"annals/transport/models/hashing"
)

const (
	// embeddedAtOnce bounds the memories that wait for the model at the same time: enough for a call to be full while two are
	// under way. Of what is computed here no more are than leave the machine to those who wait for answers.
	embeddedAtOnce     = 192
	embeddedHereAtOnce = 16
)

// embed gives what is remembered its vector.
func (s *server) embed(ctx context.Context) error {
	atOnce := embeddedAtOnce
	if s.model.Model() == hashing.Model {
		atOnce = embeddedHereAtOnce
	}
	r := reactions.NewEmbed(s.env, s.watch.Embedder(s.model), s.Clock)
	working, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Work(working)
	}()
	defer func() { stop(); <-done }()
	return s.deliver(ctx, esdb.SubscriberOptions{
		Group: "embed", Types: reactions.Embedded, Partition: func(e events.Recorded) string { return string(e.Stream) }, Concurrency: atOnce,
	}, r)
}
