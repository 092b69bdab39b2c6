package glove

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"strings"
	"sync"
	"unicode/utf8"
)

// packed is made by make.go, which describes it.
//
//go:embed glove.gz
var packed []byte

const (
	meaningDimensions = 100
	// rarity is the parameter of SIF: a word of this frequency weighs half.
	rarity = 1e-3
	// harmonic is the sum of 1/rank over the words of the package: by Zipf's law, the word of rank r has the frequency 1/(r * harmonic).
	harmonic = 13
	// fullWord is from how many letters on a word that is not known weighs all: short ones are mostly those that every text has.
	fullWord = 5
)

// vectors are those of the words that are known, by their rank.
type vectors struct {
	ranks   map[string]int
	numbers []byte
}

var load = sync.OnceValue(func() vectors {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		panic(err) // a test reads it
	}
	data, err := io.ReadAll(z)
	if err != nil {
		panic(err) // likewise
	}
	list, numbers, _ := bytes.Cut(data, []byte("\n\n"))
	words := strings.Split(string(list), "\n")
	v := vectors{ranks: make(map[string]int, len(words)), numbers: numbers}
	for i, w := range words {
		v.ranks[w] = i
	}
	return v
})

// vector is that of a word, a signed byte for each number; nil for one that is not known.
func (v vectors) vector(w word) []byte {
	rank, ok := v.ranks[w.text]
	if !ok {
		return nil
	}
	return v.numbers[rank*meaningDimensions : (rank+1)*meaningDimensions]
}

// weight is what a word counts, of one.
func (v vectors) weight(w word) int64 {
	if rank, ok := v.ranks[w.text]; ok {
		return int64(one * rarity / (rarity + 1/(float64(rank+1)*harmonic)))
	}
	if w.letter {
		return one
	}
	return one * int64(min(utf8.RuneCountInString(w.text), fullWord)) / fullWord
}
