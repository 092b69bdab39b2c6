package node

import (
	"context"
	"errors"

	"annals/commands/reactions"
	"annals/events"
	"annals/queries"
	"annals/transport/models"
)

// searched embeds what memories are searched for by the model that they are embedded with.
type searched struct{ reactions.Embedder }

// Asked returns what a text means to the model, and to the other models that embed without a network: memories may have been embedded
// with one of these before the model was changed. Others are there also beside an error.
func (s searched) Asked(ctx context.Context, text string) (asked queries.Meaning, others []queries.Meaning, err error) {
	for _, m := range models.Offline() {
		if m.Model() != s.Model() {
			if other, err := meaning(ctx, m, text); err == nil {
				others = append(others, other)
			}
		}
	}
	asked, err = meaning(ctx, s.Embedder, text)
	return asked, others, err
}

func meaning(ctx context.Context, model reactions.Embedder, text string) (queries.Meaning, error) {
	m := queries.Meaning{Model: model.Model(), Scale: queries.Scale(models.ScaleOf(model.Model()))}
	vectors, err := model.Embed(ctx, []string{text})
	if err == nil && len(vectors) != 1 {
		err = errors.New("no vector came")
	}
	if err == nil {
		err = events.CheckVector(vectors[0])
	}
	if err != nil {
		return m, err
	}
	m.Vector = vectors[0]
	return m, nil
}
