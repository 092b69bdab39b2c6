package glove

import (
	"iter"
	"strings"
	"unicode"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/text/unicode/norm"
)

// What the spellings of a word weigh beside each other: the whole tells most, two words in a row and parts of a word less.
const (
	pairWeight = 0.4
	partWeight = 0.25
	// shortestPart and longestPart are the lengths of parts of words, in letters, with the marks of where words end.
	shortestPart = 3
	longestPart  = 4
)

// spell adds a word and its parts, so that its other forms and misspellings are near, and it with the word before.
func spell(to *[spellingDimensions]int64, w word, before string, weight int64) {
	hash(to, "w"+w.text, weight)
	if before != "" {
		hash(to, "p"+before+" "+w.text, int64(pairWeight*float64(weight)))
	}
	if w.letter {
		return
	}
	letters := []rune("<" + w.text + ">")
	shortest := shortestPart
	if unicode.Is(unicode.Hangul, letters[1]) { // a letter here is a syllable
		shortest = 2
	}
	for n := shortest; n <= longestPart; n++ {
		for i := 0; i+n <= len(letters); i++ {
			hash(to, "n"+string(letters[i:i+n]), int64(partWeight*float64(weight)))
		}
	}
}

// hash adds a feature to one dimension, with a sign of its own, so that those that meet there do not add up.
func hash(to *[spellingDimensions]int64, feature string, weight int64) {
	h := xxhash.Sum64String(feature)
	if h>>63 == 1 {
		weight = -weight
	}
	to[h%spellingDimensions] += weight
}

// word is a run of letters and digits or, in scripts that write without spaces, a letter.
type word struct {
	text   string
	letter bool
}

// contractions leaves out the ends of English short forms, which the table of vectors has as words of their own and which say little.
var contractions = strings.NewReplacer("can't ", "can", "n't ", "", "'s ", "", "'re ", "", "'ve ", "", "'ll ", "", "'d ", "", "'m ", "")

// words are in lower case, without accents. Other signs, such as emoji, stand alone.
func words(text string) iter.Seq[word] {
	return func(yield func(word) bool) {
		var run strings.Builder
		end := func() bool {
			w := run.String()
			run.Reset()
			for part := range strings.SplitSeq(contractions.Replace(w+" "), "'") {
				if part = strings.TrimSpace(part); part != "" && !yield(word{text: part}) {
					return false
				}
			}
			return true
		}
		for _, r := range plain(text) {
			more := true
			switch {
			case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Khmer, unicode.Lao, unicode.Myanmar):
				more = end() && yield(word{string(r), true})
			case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
				run.WriteRune(r)
			case r == '\'' || r == '’':
				run.WriteByte('\'')
			case unicode.IsSymbol(r):
				more = end() && yield(word{string(r), true})
			default:
				more = end()
			}
			if !more {
				return
			}
		}
		end()
	}
}

// plain is the text in lower case and without accents.
func plain(text string) string {
	var out strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(cut(text))) {
		if !unicode.In(r, unicode.Mn) || !unicode.In(r, unicode.Inherited) {
			out.WriteRune(r)
		}
	}
	return norm.NFC.String(out.String())
}

func cut(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "")
}
