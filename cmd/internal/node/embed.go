package node

import (
	"cmp"
	"context"

	"annals/commands/reactions"
	"annals/events"
	"annals/events/esdb"
	"annals/transport/models/hashing"
	"annals/transport/models/openai"
)

const (
	// embeddedAtOnce bounds the memories that wait for the model at the same time: enough for a call to be full while two are
	// under way. Of what is computed here no more are than leave the machine to those who wait for answers.
	embeddedAtOnce     = 192
	embeddedHereAtOnce = 16
	// openAIEmbedding is what OpenAI's own endpoint embeds with where no model is named, as in ElizaOS.
	openAIEmbedding = "text-embedding-3-small"
)

// Embedder is what memories are embedded with: the model that is named, at the endpoint that agents speak through; OpenAI's
// own, where that is the endpoint; and else hashing, since an endpoint of one's own need not have embeddings.
func Embedder(c Config) reactions.Embedder {
	own := c.OpenAIBaseURL != ""
	if !c.speaksOpenAI() || (own && c.EmbeddingModel == "") || c.EmbeddingModel == hashing.Model {
		return hashing.Embedder{}
	}
	return openai.NewEmbedder(openai.EmbedderOptions{
		APIKey: c.OpenAIKey, BaseURL: c.OpenAIBaseURL, Model: cmp.Or(c.EmbeddingModel, openAIEmbedding), Dimensions: c.EmbeddingDimensions,
	})
}

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
