// Package glove embeds texts without a network: by what their words mean, as the static word vectors of GloVe have it (Pennington,
// Socher and Manning 2014), and by how the words are written, for names, misspellings and other languages. It gives the same vector
// on every machine.
//
// A text's vector has two parts. The first is the mean of the vectors of its words, the rarer the heavier (SIF: Arora, Liang and Ma
// 2017, "A Simple but Tough-to-Beat Baseline for Sentence Embeddings"). The second has the words and their parts, hashed (Weinberger
// et al. 2009, "Feature Hashing for Large Scale Multitask Learning").
package glove

import (
	"context"
	"math"

	"annals/commands/reactions"
)

// Dimensions is the length of every vector, Model its name in events. Another way of embedding gets another name: vectors under this
// one are in people's logs.
const (
	Dimensions = meaningDimensions + spellingDimensions
	Model      = "glove-384"
)

const (
	spellingDimensions = 284
	// spellingCounts is what the spelling counts beside the meaning of a text all of whose words are known.
	spellingCounts = 0.7
	// maxText bounds how much of a text counts, in bytes.
	maxText = 256 << 10
	// one is 1 in the whole numbers that are added up: their sum is the same in any order, and on any machine.
	one = 1 << 16
)

// Embedder implements reactions.Embedder.
type Embedder struct{}

var _ reactions.Embedder = Embedder{}

// Model implements reactions.Embedder.
func (Embedder) Model() string { return Model }

// Dimensions implements reactions.Embedder.
func (Embedder) Dimensions() int { return Dimensions }

// Embed implements reactions.Embedder. It fails with the context alone.
func (Embedder) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	vectors := make([][]float32, len(texts))
	for i, text := range texts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		vectors[i] = Vector(text)
	}
	return vectors, nil
}

// Vector embeds one text. A text without words has a vector too.
func Vector(text string) []float32 {
	var (
		meaning  [meaningDimensions]int64
		spelling [spellingDimensions]int64
		known    int64
		all      int64
		before   string
	)
	table := load()
	for w := range words(text) {
		weight := table.weight(w)
		if v := table.vector(w); v != nil {
			known += weight
			for i, x := range v {
				meaning[i] += weight * int64(int8(x)) //nolint:gosec // it was one
			}
		}
		all += weight
		spell(&spelling, w, before, weight)
		before = w.text
	}
	out := make([]float32, 0, Dimensions)
	out = appendUnit(out, meaning[:], float64(known)/float64(max(all, 1)))
	out = appendUnit(out, spelling[:], spellingCounts)
	return unit(out)
}

// appendUnit appends the numbers as a vector of that length.
func appendUnit(out []float32, sums []int64, length float64) []float32 {
	squares := 0.0
	for _, s := range sums {
		squares += float64(float64(s) * float64(s)) // not fused on any machine
	}
	if squares > 0 {
		length /= math.Sqrt(squares)
	}
	for _, s := range sums {
		out = append(out, float32(float64(s)*length))
	}
	return out
}

// unit makes the length 1. What has none, or cancels out, points somewhere.
func unit(v []float32) []float32 {
	squares := 0.0
	for _, x := range v {
		squares += float64(float64(x) * float64(x))
	}
	if squares == 0 {
		v[len(v)-1] = 1
		return v
	}
	length := math.Sqrt(squares)
	for i, x := range v {
		v[i] = float32(float64(x) / length)
	}
	return v
}
