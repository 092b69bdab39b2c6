package terms

import (
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/arabic"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/russian"
	"github.com/blevesearch/snowballstem/tamil"
)

// stemmer takes the endings off words of a language.
type stemmer func(*snowballstem.Env) bool

func (s stemmer) stem(word string) string {
	env := snowballstem.NewEnv(word)
	s(env)
	return fold(env.Current())
}

var (
	cyrillic     = []stemmer{russian.Stem}
	arabicScript = []stemmer{arabic.Stem}
	tamilScript  = []stemmer{tamil.Stem}
)

// latin are those of all languages in Latin script: a question is too short for its language to be recognised.
var latin []stemmer

// recognised is how many function words more than of English a text must have to be of another language.
const recognised = 2

// languageOf is the language of a text in Latin script: that whose function words are the most frequent.
func languageOf(words []string) int {
	var counts [16]int
	for _, w := range words {
		for i, set := 0, languagesByWord[w]; set != 0; i, set = i+1, set>>1 {
			counts[i] += int(set & 1)
		}
	}
	best := 0
	for i, n := range counts {
		if n >= counts[0]+recognised && n > counts[best] {
			best = i
		}
	}
	return best
}

// stemmersOf are those for words of a text: of English, whose names and terms are everywhere, and of its own language.
func stemmersOf(language int) []stemmer {
	if language == 0 {
		return latin[:1]
	}
	return []stemmer{english.Stem, latin[language]}
}

// stemmersFor are those of the script of a word: in Latin script, the given ones.
func stemmersFor(word string, inLatin []stemmer) []stemmer {
	switch r, _ := utf8.DecodeRuneInString(word); {
	case r < 0x250 || unicode.Is(unicode.Latin, r):
		return inLatin
	case unicode.Is(unicode.Cyrillic, r):
		return cyrillic
	case unicode.Is(unicode.Arabic, r):
		return arabicScript
	case unicode.Is(unicode.Tamil, r):
		return tamilScript
	}
	return nil
}
