package terms

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is a word, or a compound of several, or a run of a script without spaces.
type token struct {
	whole string
	parts []part
	grams bool // parts are overlapping pairs of letters
	// joined tells of signs or digits in a compound: it is no word by itself.
	joined bool
}

type part struct {
	text string
	gram bool
}

// unspaced are the scripts that write without spaces between words.
var unspaced = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Khmer, unicode.Lao, unicode.Myanmar, unicode.Bopomofo,
}

type class int

const (
	isSpace class = iota // and every sign that separates
	isWord
	isJoint // separates words, unless it stands between letters: then it joins a compound
	isUnspaced
	isSign // stands alone, as an emoji does
)

func classOf(r rune) class {
	switch {
	case r < utf8.RuneSelf:
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return isWord
		case strings.ContainsRune("._-/@'&+#=?%~:\\", r):
			return isJoint
		}
		return isSpace
	case r == 'ー', unicode.In(r, unspaced...):
		return isUnspaced
	case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
		return isWord
	case r == '’', r == '‐', r == '‑', r == '·':
		return isJoint
	case unicode.Is(unicode.So, r), unicode.Is(unicode.Sc, r):
		return isSign
	}
	return isSpace
}

// tokens splits a text in NFKC, whose case tells where the words of a compound begin.
func tokens(text string) iter.Seq[token] {
	return func(yield func(token) bool) {
		for len(text) > 0 {
			r, size := utf8.DecodeRuneInString(text)
			kind := classOf(r)
			var t token
			switch kind {
			case isWord:
				size = compoundEnd(text)
				t = compound(text[:size])
			case isUnspaced:
				size = runEnd(text)
				t = grams(text[:size])
			case isSign:
				t = token{whole: text[:size], parts: []part{{text: text[:size]}}}
			}
			if len(t.parts) > 0 && !yield(t) {
				return
			}
			text = text[size:]
		}
	}
}

// compoundEnd is where a word ends with all that is joined to it.
func compoundEnd(text string) int {
	end := 0
	for i, r := range text {
		switch kind := classOf(r); kind {
		case isWord:
			end = i + utf8.RuneLen(r)
		case isJoint:
		default:
			if !unicode.IsMark(r) || i != end {
				return end
			}
			end = i + utf8.RuneLen(r)
		}
	}
	return end
}

func runEnd(text string) int {
	end := 0
	for i, r := range text {
		if classOf(r) != isUnspaced && !unicode.IsMark(r) {
			break
		}
		end = i + utf8.RuneLen(r)
	}
	return end
}

// compound splits at joints, between letters and digits, and where a capital follows a small letter.
func compound(whole string) token {
	if isPlain(whole) {
		word := strings.ToLower(whole)
		return token{whole: word, parts: []part{{text: word}}}
	}
	t := token{whole: normal(strings.ReplaceAll(whole, "’", "'"))}
	start := 0
	var last rune
	var joint rune // the last one
	end := func(i int) {
		ending := joint == '\'' && len(t.parts) > 0 && utf8.RuneCountInString(whole[start:i]) <= 2 // 's, 't and 'll say nothing
		if p := whole[start:i]; p != "" && !ending {
			t.parts = append(t.parts, part{text: normal(p)})
		}
	}
	for i, r := range whole {
		switch {
		case classOf(r) == isJoint:
			end(i)
			if start, joint = i+utf8.RuneLen(r), r; r == '’' {
				joint = '\''
			}
		case start < i && !unicode.IsMark(r) && (unicode.IsDigit(r) != unicode.IsDigit(last) || unicode.IsUpper(r) && unicode.IsLower(last)):
			end(i)
			start, joint = i, 0
		}
		last = r
	}
	end(len(whole))
	t.joined = strings.ContainsFunc(whole, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) })
	return t
}

// isPlain reports whether a word is of ASCII letters and no compound, as most are.
func isPlain(word string) bool {
	small := false
	for i := range len(word) {
		switch c := word[i]; {
		case c >= 'a' && c <= 'z':
			small = true
		case c < 'A' || c > 'Z' || small:
			return false
		}
	}
	return true
}

// grams cuts a run into overlapping pairs and the last letter alone, so that each letter begins a term.
func grams(run string) token {
	t := token{whole: run, grams: true}
	letters := []rune(run)
	for i := range letters {
		t.parts = append(t.parts, part{string(letters[i:min(i+2, len(letters))]), true})
	}
	return t
}
