package terms

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// normal is a text in NFKC (so that ligatures, full width and circled letters are those that they stand for) and lower case.
func normal(text string) string { return norm.NFKC.String(strings.ToLower(norm.NFKC.String(text))) }

// accented are the scripts whose marks are accents, without which people write, too. Elsewhere marks are vowels or voices.
var accented = []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Arabic, unicode.Hebrew, unicode.Common}

// unmarked are letters of which no decomposition takes the stroke off.
var unmarked = strings.NewReplacer("ø", "o", "đ", "d", "ð", "d", "ħ", "h", "ı", "i", "ł", "l", "ŀ", "l", "þ", "th", "æ", "ae", "œ", "oe", "ŧ", "t", "ə", "e")

// fold returns a word as it is written without accents. The word is in the normal form.
func fold(word string) string {
	if isASCII(word) {
		return word
	}
	var b strings.Builder
	strip := false
	for _, r := range norm.NFD.String(cases.Fold().String(word)) {
		if unicode.Is(unicode.Mn, r) {
			if strip {
				continue
			}
		} else {
			strip = unicode.In(r, accented...)
		}
		if r == 'ـ' { // tatweel only stretches
			continue
		}
		b.WriteRune(r)
	}
	return unmarked.Replace(norm.NFC.String(b.String()))
}

// umlauts are written as two letters where the keyboard has none.
var umlauts = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "å", "aa", "ø", "oe")

// transcribed returns a word with its umlauts as two letters.
func transcribed(word string) string {
	if isASCII(word) {
		return word
	}
	return fold(umlauts.Replace(norm.NFC.String(word)))
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
