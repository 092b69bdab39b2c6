package node

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"annals/cmd/internal/telemetry"
	"annals/commands"
	"annals/commands/reactions"
	"annals/events"
	"annals/events/esdb"
	"annals/projections"
	"annals/projections/engine"
	"annals/transport/documents"
)

// remember lets agents remember what is said, over a group of its own: it holds up no answer.
func remember(p *Backends, env commands.Env, c Config, feed *engine.Feed, w telemetry.Telemetry, log *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		subscriber := esdb.NewSubscriber(p.Store, esdb.SubscriberOptions{
			Group: "remember", Types: reactions.Remembered, Partition: placeOf,
			Concurrency: ChannelsAtOnce, MessageTimeout: messageTimeout, Logger: log,
		})
		r := reactions.Remember{
			Env: env, Knowledge: knowledge{documents.Folder{Dir: c.CharactersDir, Logger: log}}, Now: time.Now,
			Readable: func(ctx context.Context, p events.Position) error { return feed.Wait(ctx, projections.GroupCore, p) },
		}
		return reactions.Run(ctx, reactions.Deliveries{Subscriber: subscriber, Fact: esdb.Delivery, Park: esdb.Park, Watch: w}, r, log)
	}
}

// placeOf keeps what happens in one channel, or to one agent, in order.
func placeOf(e events.Recorded) string {
	switch f := e.Event.(type) {
	case events.MessageEdited:
		return f.ChannelID.String()
	case events.TurnCompleted:
		return f.ChannelID.String()
	}
	return channelOf(e)
}

// knowledge reads the files that characters name.
type knowledge struct{ documents.Folder }

// Documents implements reactions.Knowledge.
func (k knowledge) Documents(ctx context.Context, named json.RawMessage) ([]reactions.Document, error) {
	found, err := k.Folder.Documents(ctx, named)
	all := make([]reactions.Document, len(found))
	for i, d := range found {
		all[i] = reactions.Document(d)
	}
	return all, err
}
