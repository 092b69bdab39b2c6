package classic

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxText   = 2 << 10 // bytes of one turn that are read; a person who writes more is heard by the beginning
	maxClause = 40      // words of one clause, so that what is quoted back stays short
)

// word is one word as it was written, and as the rules compare it.
type word struct{ text, key string }

// clauses cuts a text where Weizenbaum cut it, at punctuation and at "but". Whatever is not a word, emoji and control
// characters included, only separates; so a clause can be quoted anywhere.
func clauses(text string) [][]word {
	c := cutter{fresh: true}
	runes := []rune(plain(text))
	for i, r := range runes {
		switch {
		case isWord(r), isDecimal(runes, i):
			c.word = append(c.word, r)
		case strings.ContainsRune(".!?\n", r):
			c.endClause()
			c.fresh = true
		case strings.ContainsRune(",;:()\"“”„—…", r):
			c.endClause()
		default:
			c.endWord()
		}
	}
	c.endClause()
	return c.done
}

// cutter gathers words and clauses; fresh means that the next word begins a sentence.
type cutter struct {
	fresh  bool
	word   []rune
	clause []word
	done   [][]word
}

func (c *cutter) endWord() {
	text := strings.Trim(string(c.word), "'-")
	c.word = c.word[:0]
	if text == "" {
		return
	}
	if c.fresh {
		text = lowerFirst(text)
		c.fresh = false
	}
	if w := (word{text: text, key: strings.ToLower(text)}); w.key != "but" {
		c.clause = append(c.clause, w)
		if len(c.clause) < maxClause {
			return
		}
	}
	c.endClause()
}

func (c *cutter) endClause() {
	if len(c.word) > 0 {
		c.endWord()
	}
	if len(c.clause) > 0 {
		c.done = append(c.done, c.clause)
		c.clause = nil
	}
}

// plain bounds the text, mends its encoding and takes the shouting out of it.
func plain(text string) string {
	if len(text) > maxText {
		text = text[:maxText]
	}
	text = strings.ToValidUTF8(text, " ")
	text = strings.ReplaceAll(text, "’", "'")
	if strings.ToUpper(text) == text {
		return strings.ToLower(text)
	}
	return text
}

// isWord leaves out the mark that only makes an emoji of the character before it.
func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) && r != '\uFE0F' || strings.ContainsRune("'-_@#&+%", r)
}

// isDecimal tells whether the mark at i stands inside a number, as in 3.5 or 10:30.
func isDecimal(runes []rune, i int) bool {
	return strings.ContainsRune(".,:", runes[i]) && i > 0 && i+1 < len(runes) &&
		unicode.IsDigit(runes[i-1]) && unicode.IsDigit(runes[i+1])
}

// lowerFirst undoes the capital that only the beginning of a sentence gave; "NASA" keeps its own.
func lowerFirst(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	if second, _ := utf8.DecodeRuneInString(s[n:]); unicode.IsUpper(second) {
		return s
	}
	return string(unicode.ToLower(first)) + s[n:]
}

func upperFirst(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[n:]
}

func join(words []word) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.text
	}
	return strings.Join(texts, " ")
}
