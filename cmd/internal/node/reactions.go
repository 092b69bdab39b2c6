package node

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"

	"annals/commands/reactions"
	"annals/events"
	"annals/events/esdb"
	"annals/projections"
	"annals/projections/engine"
	"annals/queries"
	"annals/transport/documents"
	"annals/transport/models"
)

// pastBudget is how much later than a reaction's budget ends the event store delivers again what was not dealt with.
const pastBudget = 5 * time.Minute

// ports is what the reactions use of this server.
func (s *server) ports() reactions.Ports {
	return reactions.Ports{
		Env: s.env, Models: s.models, History: history{queries: s.queries, feed: s.feed}, Recall: recall{s.queries, searched{s.model}},
		Knowledge: knowledge{documents.Folder{Dir: s.CharactersDir, Logger: s.Logger}, s.queries, s.feed, s.backends.Store},
		Embedder:  s.watch.Embedder(s.model), EmbedsHere: embedsHere(s.model), Repeats: repeats{s.queries},
		Aborts: s.aborts, Stream: s.stream, Asked: s.watch.Asked, Now: s.Clock,
	}
}

// embedsHere reports whether a model takes the processors of this machine.
func embedsHere(model reactions.Embedder) bool {
	return slices.ContainsFunc(models.Offline(), func(m reactions.Embedder) bool { return m.Model() == model.Model() })
}

// reaction hands a reaction what its group of subscribers is to deal with.
func (s *server) reaction(d reactions.Declaration) func(context.Context) error {
	return func(ctx context.Context) error {
		ports := s.ports()
		subscriber := esdb.NewSubscriber(s.backends.Store, esdb.SubscriberOptions{
			Group: d.Name, Types: d.Types, Partition: d.Partition, Concurrency: d.AtOnce(ports), MessageTimeout: d.Budget + pastBudget,
			Logger: s.Logger,
		})
		deliveries := reactions.Deliveries{Subscriber: subscriber, Fact: esdb.Delivery, Park: esdb.Park, Watch: s.watch}
		return reactions.Run(ctx, deliveries, d, d.Make(ports), s.Logger)
	}
}

// stream shows an answer while it comes into being to the clients that are connected here. Clients of other nodes get it when
// it is finished.
func (s *server) stream(c events.Chunk) {
	s.answers.add(c)
	s.live.Stream(c)
	s.rooms.Stream(c)
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
		said[i] = reactions.Said{
			AuthorID: m.AuthorID, AuthorName: m.AuthorName, Content: m.Content, SubjectID: m.SubjectID, Position: m.Position,
		}
	}
	return said, nil
}

// Readable implements reactions.History.
func (h history) Readable(ctx context.Context, p events.Position) error {
	return h.feed.Wait(ctx, projections.GroupCore, p)
}

// knowledge reads the files that characters name.
type knowledge struct {
	documents.Folder

	queries *queries.Queries
	feed    *engine.Feed
	store   events.Store
}

// Named implements reactions.Knowledge.
func (k knowledge) Named(ctx context.Context, named json.RawMessage) (reactions.Named, error) {
	found, unreadable, err := k.Documents(ctx, named)
	all := make([]reactions.Document, len(found))
	for i, d := range found {
		all[i] = reactions.Document(d)
	}
	return reactions.Named{Documents: all, Unreadable: unreadable}, err
}

// Split implements reactions.Knowledge.
func (knowledge) Split(text string) ([]string, error) { return documents.Split(text) }

// Learned implements reactions.Knowledge.
func (k knowledge) Learned(ctx context.Context, agent uuid.UUID) ([]string, error) {
	head, err := k.store.Head(ctx)
	if err != nil {
		return nil, err
	}
	if err := k.feed.Wait(ctx, projections.GroupMemories, head); err != nil {
		return nil, err
	}
	return k.queries.LearnedPaths(ctx, agent)
}
