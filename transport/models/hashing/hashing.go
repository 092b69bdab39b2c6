// Package hashing embeds texts without a model: words and parts of words, hashed into a vector (Weinberger et al. 2009,
// "Feature Hashing for Large Scale Multitask Learning"). It needs no network and gives the same vector for ever, but it is
// lexical: near are texts that share words or parts of words, not texts that mean the same in other words.
package hashing

import (
	"context"
	"math"
	"strings"
	"unicode"

	"github.com/cespare/xxhash/v2"

	"annals/commands/reactions"
)

// Dimensions is the length of every vector, Model its name in events. Another way of hashing gets another name: vectors
// under this one are in people's logs.
const (
	Dimensions = 384
	Model      = "hashing-384"
)

// What the features weigh beside each other: a whole word tells most, two words in a row and parts of a word less.
const (
	wordWeight = 1.0
	pairWeight = 0.4
	partWeight = 0.25
	// fullWord is from how many letters on a word weighs all: short words are mostly those that every text has.
	fullWord = 5
	// shortestPart and longestPart are the lengths of parts of words, in letters, with the marks of where words end.
	shortestPart = 3
	longestPart  = 4
	// maxText bounds how much of a text counts, in bytes.
	maxText = 256 << 10
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
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	f := features{}
	before := ""
	for _, w := range words(text) {
		f.add("w"+w, wordWeight*min(1, float64(len([]rune(w)))/fullWord))
		if before != "" {
			f.add("p"+before+" "+w, pairWeight)
		}
		f.addParts(w)
		before = w
	}
	if len(f) == 0 {
		f.add("-", 1)
	}
	return f.vector()
}

// features are what was found in a text, by hash: how often, and what each weighs.
type features map[uint64]feature

type feature struct{ count, weight float64 }

func (f features) add(name string, weight float64) {
	h := xxhash.Sum64String(name)
	f[h] = feature{f[h].count + 1, weight}
}

// addParts adds the parts of a word, so that its other forms and misspellings are near.
func (f features) addParts(w string) {
	letters := []rune("<" + w + ">")
	for n := shortestPart; n <= longestPart; n++ {
		for i := 0; i+n <= len(letters); i++ {
			f.add("n"+string(letters[i:i+n]), partWeight)
		}
	}
}

// vector adds every feature to one dimension, with a sign of its own, so that those that meet there do not add up: what a
// feature counts grows with the logarithm of how often it occurs. Sums of integers keep the order of the map out of it.
func (f features) vector() []float32 {
	const unit = 1 << 20
	var sums [Dimensions]int64
	for h, x := range f {
		value := int64(math.Round(unit * x.weight * (1 + math.Log(x.count))))
		if h>>63 == 1 {
			value = -value
		}
		sums[h%Dimensions] += value
	}
	length := 0.0
	for _, s := range sums {
		length += float64(float64(s) * float64(s)) // not fused on any machine
	}
	out := make([]float32, Dimensions)
	if length == 0 { // everything cancelled out
		out[0] = 1
		return out
	}
	length = math.Sqrt(length)
	for i, s := range sums {
		out[i] = float32(float64(s) / length)
	}
	return out
}

// words are the runs of letters and digits in lower case. Scripts that write without spaces give each letter as a word,
// and other signs, such as emoji, stand alone.
func words(text string) []string {
	var all []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			all = append(all, word.String())
			word.Reset()
		}
	}
	for _, r := range strings.ToLower(text) {
		switch {
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai):
			end()
			all = append(all, string(r))
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
			word.WriteRune(r)
		case unicode.IsSymbol(r):
			end()
			all = append(all, string(r))
		default:
			end()
		}
	}
	end()
	return all
}
