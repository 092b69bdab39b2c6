package node

import (
	"context"
	"time"

	"github.com/google/uuid"

	"annals/commands/reactions"
	"annals/events"
	"annals/events/esdb"
	"annals/projections"
	"annals/projections/engine"
	"annals/queries"
	"annals/transport/live"
	"annals/transport/socketio"
)

const (
	// ChannelsAtOnce bounds the channels in which agents think at the same time.
	ChannelsAtOnce = 16
	// messageTimeout is when the event store delivers again what was not dealt with; longer than the reactions' budget.
	messageTimeout = reactions.Budget + 5*time.Minute
)

// reply makes the agents answer what is submitted.
func (s *server) reply(ctx context.Context) error {
	return s.deliver(ctx, esdb.SubscriberOptions{
		Group: "reply", Types: []string{events.MessageSubmitted{}.EventType()}, Partition: channelOf, Concurrency: ChannelsAtOnce,
	}, reactions.Reply{
		Env: s.env, Models: s.models, History: history{queries: s.queries, feed: s.feed}, Now: s.Clock, Aborts: s.aborts,
		Stream: s.stream, Recall: recall{s.queries, s.model}, Asked: s.watch.Asked,
	})
}

// deliver hands a reaction what its group of subscribers is to deal with.
func (s *server) deliver(ctx context.Context, o esdb.SubscriberOptions, r reactions.Reaction) error {
	o.MessageTimeout, o.Logger = messageTimeout, s.Logger
	subscriber := esdb.NewSubscriber(s.backends.Store, o)
	return reactions.Run(ctx, reactions.Deliveries{Subscriber: subscriber, Fact: esdb.Delivery, Park: esdb.Park, Watch: s.watch}, r, s.Logger)
}

// stream shows an answer while it comes into being to the clients that are connected here. Clients of other nodes get it when
// it is finished.
func (s *server) stream(c reactions.Chunk) {
	s.live.Stream(live.Chunk(c))
	s.rooms.Stream(socketio.Chunk(c))
}

// channelOf keeps the deliveries of one channel in order.
func channelOf(e events.Recorded) string {
	if m, ok := e.Event.(events.MessageSubmitted); ok {
		return m.ChannelID.String()
	}
	return string(e.Stream)
}

// history lets the reactions read conversations from the read models.
type history struct {
	queries *queries.Queries
	feed    *engine.Feed
}

// Conversation implements reactions.History.
func (h history) Conversation(ctx context.Context, channel uuid.UUID, upTo events.Position, n int) ([]reactions.Said, error) {
	found, err := h.queries.Conversation(ctx, channel, upTo, n)
	if err != nil {
		return nil, err
	}
	said := make([]reactions.Said, len(found))
	for i, m := range found {
		said[i] = reactions.Said{AuthorID: m.AuthorID, AuthorName: m.AuthorName, Content: m.Content}
	}
	return said, nil
}

// Readable implements reactions.History.
func (h history) Readable(ctx context.Context, p events.Position) error {
	return h.feed.Wait(ctx, projections.GroupCore, p)
}
