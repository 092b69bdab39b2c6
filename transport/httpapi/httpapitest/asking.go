package httpapitest

import (
	"context"
	"errors"

	"annals/events"
	"annals/queries"
)

// Asking embeds what memories are searched for by one model.
type Asking struct{ Embedder }

// Embedder is a model that embeds texts.
type Embedder interface {
	Model() string
	Dimensions() int
	Embed(ctx context.Context, texts []string) ([][]float32, error)
}

// Asked implements memory.Embedder.
func (a Asking) Asked(ctx context.Context, text string) (asked queries.Meaning, others []queries.Meaning, err error) {
	vectors, err := a.Embed(ctx, []string{text})
	if err == nil && len(vectors) != 1 {
		err = errors.New("no vector came")
	}
	if err == nil {
		err = events.CheckVector(vectors[0])
	}
	if err != nil {
		return asked, nil, err
	}
	return queries.Meaning{Model: a.Model(), Vector: vectors[0]}, nil, nil
}
