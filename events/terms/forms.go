package terms

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

const (
	stemMark = "~"
	endMark  = "<"
	// longWord is from how many letters on the end of a word is found as well.
	longWord = 8
)

// written are a word as it is, and folded.
func (p part) written() []string {
	folded := fold(p.text)
	if folded == p.text {
		return []string{p.text}
	}
	all := []string{p.text, folded}
	if f := transcribed(p.text); !p.gram && f != folded {
		all = append(all, f)
	}
	return all
}

// forms are those under which a word is stored. A stem that is the word itself, or its folded form, is found by that. A word that is too
// long for a term is stored by its beginning alone: to stem it takes time that grows with the square of its length.
func (p part) forms(stemmers []stemmer) []string {
	if len(p.text) > maxTerm {
		return []string{cut(p.text, maxTerm)}
	}
	all := p.written()
	if p.gram {
		return all
	}
	written := len(all)
	for _, s := range stemmersFor(p.text, stemmers) {
		if stem := s.stem(p.text); !slices.Contains(all[:written], stem) {
			all = append(all, stemMark+stem)
		}
	}
	if folded := all[min(1, written-1)]; len(folded) >= longWord && utf8.RuneCountInString(folded) >= longWord {
		all = append(all, endMark+backwards(folded))
	}
	if isHangul(p.text) {
		for _, g := range grams(p.text).parts {
			all = append(all, g.text)
		}
	}
	return all
}

func isHangul(word string) bool {
	r, _ := utf8.DecodeRuneInString(word)
	return unicode.Is(unicode.Hangul, r)
}

func backwards(word string) string {
	letters := []rune(word)
	slices.Reverse(letters)
	return string(letters)
}

// wholeForms are those of a compound: of one that is written as a word, such as PostgreSQL, all.
func (t token) wholeForms(stemmers []stemmer) []string {
	whole := part{text: t.whole}
	if !t.joined {
		return whole.forms(stemmers)
	}
	all := []string{t.whole}
	if folded := fold(t.whole); folded != t.whole {
		all = append(all, folded)
	}
	return all
}
