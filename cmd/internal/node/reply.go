package node

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"annals/cmd/internal/telemetry"
	"annals/commands"
	"annals/commands/reactions"
	"annals/events"
	"annals/events/esdb"
	"annals/projections"
	"annals/projections/engine"
	"annals/queries"
	"annals/transport/models/anthropic"
	"annals/transport/models/classic"
	"annals/transport/models/openai"
)

const (
	// ChannelsAtOnce bounds the channels in which agents think at the same time.
	ChannelsAtOnce = 16
	// messageTimeout is when the event store delivers again what was not dealt with; longer than the reactions' budget.
	messageTimeout = reactions.Budget + 5*time.Minute
)

// reply makes the agents answer what is submitted.
func reply(p *Backends, env commands.Env, c Config, q *queries.Queries, model reactions.Embedder, feed *engine.Feed, aborts *reactions.Aborts, stream func(reactions.Chunk), w telemetry.Telemetry, log *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		subscriber := esdb.NewSubscriber(p.Store, esdb.SubscriberOptions{
			Group: "reply", Types: []string{events.MessageSubmitted{}.EventType()}, Partition: channelOf,
			Concurrency: ChannelsAtOnce, MessageTimeout: messageTimeout, Logger: log,
		})
		r := reactions.Reply{
			Env: env, Text: textModel(c), History: history{queries: q, feed: feed}, Now: time.Now, Aborts: aborts, Stream: stream,
			Recall: recall{q, model}, Asked: w.Asked,
		}
		return reactions.Run(ctx, reactions.Deliveries{Subscriber: subscriber, Fact: esdb.Delivery, Park: esdb.Park, Watch: w}, r, log)
	}
}

// channelOf keeps the deliveries of one channel in order.
func channelOf(e events.Recorded) string {
	if m, ok := e.Event.(events.MessageSubmitted); ok {
		return m.ChannelID.String()
	}
	return string(e.Stream)
}

// textModel is what agents speak with.
func textModel(c Config) reactions.Text {
	if c.speaksAnthropic() {
		return anthropic.New(anthropic.Options{APIKey: c.AnthropicKey, BaseURL: c.AnthropicBaseURL, Model: c.AnthropicModel})
	}
	if c.speaksOpenAI() {
		return openai.New(openai.Options{APIKey: c.OpenAIKey, BaseURL: c.OpenAIBaseURL, Model: c.OpenAIModel})
	}
	return classic.New()
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
