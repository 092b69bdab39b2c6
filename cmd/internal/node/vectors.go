package node

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/google/uuid"

	"annals/commands"
	"annals/commands/reactions"
	"annals/projections"
	"annals/projections/engine"
	"annals/queries"
	serverapi "annals/transport/httpapi/server"
	"annals/transport/models"
)

// Vectors looks at what memories were embedded with.
type Vectors struct {
	Queries *queries.Queries
	Model   reactions.Embedder
}

// What to do when the model was changed. Models that need no network are still asked, for the memories that have their vectors.
const (
	embedAgain     = "run annals embed with the same settings: until then these are found by their words alone"
	embedMeanwhile = "run annals embed with the same settings: until then these are found by their words and by the vectors that they have"
)

// Of is the model that memories are embedded with now.
func (v Vectors) Of() queries.Model {
	return queries.Model{Name: v.Model.Model(), Dimensions: v.Model.Dimensions()}
}

// Look is nil where the read models do not answer.
func (v Vectors) Look(ctx context.Context) *serverapi.EmbeddingHealth {
	others, err := v.Queries.OtherVectors(ctx, v.Of())
	if err != nil {
		return nil
	}
	pending, err := v.Queries.PendingVectors(ctx)
	if err != nil {
		return nil
	}
	h := &serverapi.EmbeddingHealth{Model: v.Model.Model(), Dimensions: v.Model.Dimensions(), Pending: pending, Others: others}
	for _, o := range others {
		if h.Remedy = embedMeanwhile; !slices.ContainsFunc(models.Offline(), func(m reactions.Embedder) bool { return m.Model() == o.Model }) {
			h.Remedy = embedAgain
			break
		}
	}
	return h
}

// tell logs once, as soon as the read models have caught up with the start, that the model was changed.
func (v Vectors) tell(ctx context.Context, feed *engine.Feed, log *slog.Logger) error {
	start, err := feed.From(ctx)
	if err == nil {
		err = Await(ctx, feed, start, projections.GroupVectors)
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the server stops
	}
	if err != nil {
		return err
	}
	if h := v.Look(ctx); h != nil && h.Remedy != "" {
		log.Warn(OthersIn(*h), "remedy", h.Remedy)
	}
	return nil
}

// repeats finds what memories say again in the read models.
type repeats struct{ *queries.Queries }

// Repeated implements reactions.Repeats.
func (r repeats) Repeated(ctx context.Context, memory uuid.UUID, v commands.Vector, model string, vector []float32) (uuid.UUID, error) {
	scope := queries.Scope{Agent: v.AgentID, Room: v.RoomID, Table: v.Table}
	same, err := r.SameText(ctx, scope, v.Text, memory)
	if err != nil || same != uuid.Nil {
		return same, err
	}
	return r.Nearest(ctx, scope, queries.Meaning{Vector: vector, Model: model}, reactions.RepeatSimilarity, v.Since)
}

// OthersIn is "1200 memories have vectors of hashing-384 (384), the model is nomic-embed-text".
func OthersIn(h serverapi.EmbeddingHealth) string {
	var said []string
	for _, o := range h.Others {
		said = append(said, fmt.Sprintf("%d memories have vectors of %s (%d)", o.Memories, o.Model, o.Dimensions))
	}
	return strings.Join(said, ", ") + ", the model is " + h.Model
}
