package reactions

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

const (
	// batchTexts bounds how many texts one call of the model gets.
	batchTexts = 64
	// callsAtOnce bounds the calls at a time: one is computed while the next is on its way.
	callsAtOnce = 2
)

// batching lets many callers share the calls of a model: while it is busy, those who come wait, and go together with the
// next call. Nobody who waits holds more than one text, so that the model sets the pace.
type batching struct {
	Embedder
	asked chan wish
}

// wish is one text, and who waits for its vector.
type wish struct {
	text string
	got  chan<- outcome // has room for one
}

type outcome struct {
	vector []float32
	err    error
}

func newBatching(model Embedder) *batching { return &batching{model, make(chan wish)} }

// vector is that of one text.
func (b *batching) vector(ctx context.Context, text string) ([]float32, error) {
	got := make(chan outcome, 1)
	select {
	case b.asked <- wish{text, got}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case o := <-got:
		return o.vector, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// work calls the model until the context ends.
func (b *batching) work(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	for range callsAtOnce {
		working.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case first := <-b.asked:
					b.call(ctx, b.batch(first))
				}
			}
		})
	}
}

// batch is who waits now.
func (b *batching) batch(first wish) []wish {
	all := []wish{first}
	for len(all) < batchTexts {
		select {
		case next := <-b.asked:
			all = append(all, next)
		default:
			return all
		}
	}
	return all
}

// call embeds the texts together and, when the model refuses them, each alone: one that it cannot take costs the others
// nothing.
func (b *batching) call(ctx context.Context, batch []wish) {
	texts := make([]string, len(batch))
	for i, w := range batch {
		texts[i] = w.text
	}
	vectors, err := b.embed(ctx, texts)
	if len(batch) > 1 && errors.Is(err, ErrRefused) {
		for _, w := range batch {
			b.call(ctx, []wish{w})
		}
		return
	}
	for i, w := range batch {
		o := outcome{err: err}
		if err == nil {
			o.vector = vectors[i]
		}
		w.got <- o
	}
}

// embed turns a panic of the model into an error, and insists on a vector for each text.
func (b *batching) embed(ctx context.Context, texts []string) (vectors [][]float32, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the model panicked with a %T", p)
		}
	}()
	vectors, err = b.Embed(ctx, texts)
	if err == nil && len(vectors) != len(texts) {
		err = fmt.Errorf("the model gave %d vectors for %d texts", len(vectors), len(texts))
	}
	return vectors, err
}
