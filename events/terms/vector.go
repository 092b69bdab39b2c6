package terms

import (
	"cmp"
	"slices"
)

const (
	// maxVector bounds what PostgreSQL stores of a text, in bytes: it takes less than a mebibyte.
	maxVector = 1000 << 10
	// maxPosition is the last position that a tsvector tells from others, and maxPositions how many it has of a term.
	maxPosition  = 16383
	maxPositions = 255
)

// Lexeme is a term and where it is in a text.
type Lexeme struct {
	Term string
	// Positions are in words, from 1, in ascending order.
	Positions []uint16
}

// Lexemes are the terms as PostgreSQL has them in a tsvector: each once, in the order of their bytes.
func (d Document) Lexemes() []Lexeme {
	type pair struct {
		term     string
		position uint16
	}
	n := 0
	for _, p := range d.places {
		n += len(p.terms)
	}
	pairs := make([]pair, 0, n)
	for _, p := range d.places {
		for _, term := range p.terms {
			if term != "" && len(term) <= maxTerm {
				pairs = append(pairs, pair{term, p.position})
			}
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Or(cmp.Compare(a.term, b.term), cmp.Compare(a.position, b.position)) })
	pairs = slices.Compact(pairs)
	positions := make([]uint16, len(pairs)) // one array for all
	all := make([]Lexeme, 0, len(pairs))
	size := 0
	for i, p := range pairs {
		positions[i] = p.position
		if last := len(all) - 1; i > 0 && pairs[i-1].term == p.term {
			if had := len(all[last].Positions); had < maxPositions {
				all[last].Positions = positions[i-had : i+1 : i+1]
				size += 2
			}
			continue
		}
		if size += len(p.term) + 6; size > maxVector {
			break
		}
		all = append(all, Lexeme{p.term, positions[i : i+1 : i+1]})
	}
	return all
}
