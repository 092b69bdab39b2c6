package node

import (
	"context"
	"encoding/json"

	"annals/commands/reactions"
	"annals/events"
	"annals/events/esdb"
	"annals/projections"
	"annals/transport/documents"
)

// remember lets agents remember what is said, over a group of its own: it holds up no answer.
func (s *server) remember(ctx context.Context) error {
	return s.deliver(ctx, esdb.SubscriberOptions{
		Group: "remember", Types: reactions.Remembered, Partition: placeOf, Concurrency: ChannelsAtOnce,
	}, reactions.Remember{
		Env: s.env, Knowledge: knowledge{documents.Folder{Dir: s.CharactersDir, Logger: s.Logger}}, Now: s.Clock,
		Readable: func(ctx context.Context, p events.Position) error { return s.feed.Wait(ctx, projections.GroupCore, p) },
	})
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
