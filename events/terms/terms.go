// Package terms turns texts into the terms that searches compare: one analyser for what is stored and for what is asked, so that
// both agree whatever the script, the locale of the database and the time of a rebuild.
//
// A text is split into words, at spaces and signs; scripts that write without spaces are cut into overlapping pairs of letters,
// Korean into both. A word is stored in several forms:
//
//	köln          as it is written, in NFKC and lower case
//	koln, koeln   folded: without accents, and with those that German, Danish and Norwegian write as two letters
//	~koln         the stem where it is another word, in English and in the language that is recognised
//	<nlok…        a long word backwards, so that its end is found as a prefix, as "strasse" in "hauptstrasse"
//
// A compound such as deploy.yaml, getUserName or v1.2.3 is stored whole and in parts, which follow one another.
package terms

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

const (
	// maxText bounds how much of a text is analysed, in bytes.
	maxText = 100_000
	// maxTerm bounds a term, in bytes: PostgreSQL takes up to 2,046.
	maxTerm = 128
)

// Document is a text as searches see it.
type Document struct {
	places []place
	words  int
}

// place is where a word is, with the terms that it is stored as.
type place struct {
	terms    []string
	position uint16
}

// Analyze returns the terms of a text, of which the first 100,000 bytes count.
func Analyze(text string) Document {
	var all []token
	var words []string
	for t := range tokens(norm.NFKC.String(cut(text, maxText))) {
		all = append(all, t)
		for _, p := range t.parts {
			words = append(words, p.text)
		}
	}
	language := languageOf(words)
	d := Document{places: make([]place, 0, len(words)+8)}
	for _, t := range all {
		first := d.words + 1
		for _, p := range t.parts {
			d.words++
			d.add(storedAs(p, language), d.words)
		}
		if len(t.parts) > 1 && !t.grams {
			d.add(t.wholeForms(stemmersOf(language)), first)
		}
	}
	return d
}

// Words returns how many words the text has, by which rankings are made fair to short texts.
func (d Document) Words() int { return d.words }

func (d *Document) add(terms []string, position int) {
	d.places = append(d.places, place{terms, uint16(min(position, maxPosition))}) //nolint:gosec // it fits
}

// cut returns the beginning of a text, as valid UTF-8.
func cut(text string, most int) string {
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}
