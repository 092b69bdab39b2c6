package terms

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Query is what a person asks for, in the syntax of web searches: words, "a phrase", one OR another, -without.
type Query struct {
	required [][]operand // one of each list has to be there
	excluded []operand
	// negated tells of an alternative to a word that must not be there: almost everything is found.
	negated bool
}

// operand is a word, a compound or a phrase: its parts follow one another.
type operand struct {
	tokens []token
	quoted bool
}

// MaxScored bounds how many words of a query are scored. Of a longer text those count that it has most often, and then the longest.
const MaxScored = 24

// Parse reads a query, of which the first 100,000 bytes count. Anything is a query.
func Parse(query string) Query {
	var q Query
	rest := norm.NFKC.String(cut(query, maxText))
	either, last := false, false // last: what came last must not be there
	for rest != "" {
		rest = strings.TrimLeft(rest, " \t\r\n\v\f")
		without := len(rest) > 1 && rest[0] == '-'
		if without {
			rest = rest[1:]
		}
		var chunk string
		quoted := strings.HasPrefix(rest, `"`)
		if quoted {
			chunk, rest, _ = strings.Cut(rest[1:], `"`)
		} else if i := strings.IndexAny(rest, " \t\r\n\v\f\""); i >= 0 {
			chunk, rest = rest[:i], rest[i:]
		} else {
			chunk, rest = rest, ""
		}
		if !quoted && !without && strings.EqualFold(chunk, "or") && len(q.required)+len(q.excluded) > 0 {
			either, q.negated = true, q.negated || last
			continue
		}
		o := operand{slices.Collect(tokens(chunk)), quoted}
		if len(o.tokens) == 0 {
			continue
		}
		switch {
		case without:
			q.negated = q.negated || either
			q.excluded = append(q.excluded, o)
		case either && len(q.required) > 0:
			alternatives := &q.required[len(q.required)-1]
			*alternatives = append(*alternatives, o)
		default:
			q.required = append(q.required, []operand{o})
		}
		either, last = false, without
	}
	return q
}

// ParsePlain reads a text as words alone.
func ParsePlain(text string) Query {
	var q Query
	for t := range tokens(norm.NFKC.String(cut(text, maxText))) {
		q.required = append(q.required, []operand{{tokens: []token{t}}})
	}
	return q
}

// Empty reports whether nothing is asked for.
func (q Query) Empty() bool { return len(q.required) == 0 && len(q.excluded) == 0 }

// Selective reports whether an index can find what is asked for: something has to be there.
func (q Query) Selective() bool { return len(q.required) > 0 && !q.negated }

// All is the tsquery of texts that have everything that is asked for, and nothing that is excluded. Where loose, words are also found
// as beginnings and ends of longer ones.
func (q Query) All(loose bool) string {
	var all []string
	for _, alternatives := range q.required {
		all = append(all, either(alternatives, func(o operand) string { return o.tsquery(loose) }))
	}
	for _, o := range q.excluded {
		all = append(all, "!"+o.tsquery(false))
	}
	return strings.Join(all, " & ")
}

// Without is the tsquery of what is excluded, "" for nothing; Phrases that of the phrases in quotes, all of which have to be there.
func (q Query) Without() string {
	return either(q.excluded, func(o operand) string { return o.tsquery(false) })
}

// Phrases is described at Without.
func (q Query) Phrases() string {
	var all []string
	for _, alternatives := range q.required {
		if len(alternatives) == 1 && alternatives[0].quoted {
			all = append(all, alternatives[0].tsquery(false))
		}
	}
	return strings.Join(all, " & ")
}

// Scored is a word by which texts are ranked.
type Scored struct {
	// Exact is the tsquery of texts that have the word as it was asked for, Any of those that have it in some form, and Loose of
	// those that have a longer word that begins or ends with it, "" for none.
	Exact, Any, Loose string
}

// Scored are the words by which texts are ranked: without those that say nothing, unless there is no other.
func (q Query) Scored() []Scored {
	type counted struct {
		Scored
		n, length, first int
	}
	var all []*counted
	of := map[string]*counted{}
	saying := false
	for _, alternatives := range q.required {
		for _, o := range alternatives {
			for _, w := range o.words() {
				s := w.scored()
				c := of[s.Exact]
				if c == nil {
					c = &counted{s, 0, utf8.RuneCountInString(w.text()), len(all)}
					if w.silent() {
						c.n = -1 << 20
					}
					of[s.Exact] = c
					all = append(all, c)
				}
				c.n++
				saying = saying || c.n > 0
			}
		}
	}
	if saying {
		all = slices.DeleteFunc(all, func(c *counted) bool { return c.n <= 0 })
	}
	slices.SortFunc(all, func(a, b *counted) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(b.length, a.length), cmp.Compare(a.first, b.first))
	})
	var scored []Scored
	for _, c := range all[:min(len(all), MaxScored)] {
		scored = append(scored, c.Scored)
	}
	return scored
}

// word is what counts as one: a part, or a compound that is written as a word.
type word struct {
	part
	compound token // where it is one
}

func (o operand) words() []word {
	var all []word
	for _, t := range o.tokens {
		if len(t.parts) > 1 && !t.grams && !t.joined {
			all = append(all, word{compound: t})
			continue
		}
		for i, p := range t.parts {
			if !t.grams || i < len(t.parts)-1 || i == 0 { // the last letter of a run is in the pair before
				all = append(all, word{part: p})
			}
		}
	}
	return all
}

func (w word) text() string { return cmp.Or(w.part.text, w.compound.whole) }

func (w word) silent() bool { return silent[w.text()] }

func (w word) scored() Scored {
	any := w.tsquery(false)
	if w.compound.whole != "" {
		any = w.compound.tsquery(false)
	}
	s := Scored{Exact: quote(w.text()), Any: any}
	if w.gram && utf8.RuneCountInString(w.part.text) == 1 {
		s.Exact = s.Any
	}
	if loose := w.looseForms(); len(loose) > 0 && !w.gram {
		s.Loose = strings.Join(loose, " | ")
	}
	return s
}

// looseForms find longer words.
func (w word) looseForms() []string {
	folded := fold(w.text())
	if utf8.RuneCountInString(folded) < shortestLoose {
		return nil
	}
	return []string{quote(folded) + ":*", quote(endMark+backwards(folded)) + ":*"}
}

// shortestLoose is from how many letters on a word is looked for in longer ones.
const shortestLoose = 4

func (o operand) tsquery(loose bool) string {
	var all []string
	for _, t := range o.tokens {
		if !o.quoted {
			all = append(all, t.tsquery(loose))
			continue
		}
		all = append(all, t.sequence(loose))
	}
	if len(all) == 1 {
		return all[0]
	}
	return "(" + strings.Join(all, " <-> ") + ")"
}

// tsquery is of texts that have the compound, whole or in its parts.
func (t token) tsquery(loose bool) string {
	sequence := t.sequence(loose)
	if len(t.parts) < 2 || t.grams {
		return sequence
	}
	var all []string
	for _, f := range t.wholeForms(nil) {
		if !strings.HasPrefix(f, endMark) {
			all = append(all, quote(f))
		}
	}
	if !t.joined {
		all = appendStems(all, t.whole)
	}
	return "(" + strings.Join(append(all, sequence), " | ") + ")"
}

// sequence is of texts in which the parts follow one another.
func (t token) sequence(loose bool) string {
	parts := t.parts
	if t.grams && len(parts) > 1 {
		parts = parts[:len(parts)-1]
	}
	var all []string
	for _, p := range parts {
		all = append(all, p.tsquery(loose && len(parts) == 1))
	}
	if len(all) == 1 {
		return all[0]
	}
	return "(" + strings.Join(all, " <-> ") + ")"
}

func (p part) tsquery(loose bool) string {
	if p.gram && utf8.RuneCountInString(p.text) == 1 {
		return quote(p.text) + ":*"
	}
	var all []string
	for _, f := range p.written() {
		all = append(all, quote(f))
	}
	if !p.gram {
		all = appendStems(all, p.text)
	}
	if loose && !p.gram {
		all = append(all, word{part: p}.looseForms()...)
	}
	if len(all) == 1 {
		return all[0]
	}
	return "(" + strings.Join(all, " | ") + ")"
}

// appendStems appends those of a word in every language of its script: a question is too short to tell its language. A word that is
// its own stem is stored once, as it is.
func appendStems(all []string, word string) []string {
	if len(word) > maxTerm { // it is stored by its beginning alone
		return all
	}
	for _, s := range stemmersFor(word, latin) {
		stem := s.stem(word)
		for _, q := range []string{quote(stemMark + stem), quote(stem)} {
			if !slices.Contains(all, q) {
				all = append(all, q)
			}
		}
	}
	return all
}

func either(all []operand, f func(operand) string) string {
	var texts []string
	for _, o := range all {
		texts = append(texts, f(o))
	}
	if len(texts) < 2 {
		return strings.Join(texts, "")
	}
	return "(" + strings.Join(texts, " | ") + ")"
}

var quoting = strings.NewReplacer("'", "''", `\`, `\\`)

// quote is a term in the syntax of tsvector and tsquery.
func quote(term string) string {
	if len(term) > maxTerm {
		term = cut(term, maxTerm)
	}
	return "'" + quoting.Replace(term) + "'"
}
