package terms

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTermsOfATextAreThoseOfItsWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Running dogs":      "dogs running ~dog ~run",
		"Köln":              "koeln koln köln",
		"Hauptstraße":       "<essartstpuah hauptstrasse hauptstraße ~hauptstrass",
		"deploy.yaml":       "deploy deploy.yaml yaml",
		"getUserName":       "<emanresuteg get getusername name user ~getusernam",
		"v1.2.3":            "1 2 3 v v1.2.3",
		"it's Anna's":       "anna it",
		"北京店":               "京店 北京 店",
		"커피를":               "를 커피 커피를 피를",
		"ＡＢＣ ﬁrst":          "abc first",
		"Mu\u0308nchen":     "muenchen munchen münchen",
		"Москве":            "~москв москве",
		"":                  "",
		" \x00 .,; ":        "",
		"bad \xff\xfe utf8": "8 bad utf utf8",
	} {
		var got []string
		for _, l := range Analyze(text).Lexemes() {
			got = append(got, l.Term)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// The bounds are those of PostgreSQL, which refuses a row that does not keep them.
func TestLexemesAreWhatPostgreSQLTakes(t *testing.T) {
	t.Parallel()
	var different strings.Builder
	for i := range 40_000 {
		different.WriteString(string(rune('a'+i%26)) + strings.Repeat(string(rune('a'+i/26%26)), i/676%26+1) + string(rune('a'+i/17576)) + " ")
	}
	for _, text := range []string{
		strings.Repeat("word ", 30_000), strings.Repeat("x", 200_000), strings.Repeat("y", 200_000), different.String(), strings.Repeat("我", 50_000),
		strings.Repeat("a.b", 40_000), strings.Repeat("é", 60_000), "\x00", strings.Repeat("\xff", 1000),
	} {
		takes(t, Analyze(text).Lexemes())
	}
}

func FuzzLexemes(f *testing.F) {
	for _, s := range []string{"Köln, Hauptstraße", "北京 and 커피", "a.b-c_d'e", "~<x>", "\xf0\x9f\x99\x82", "İstanbul ǅ ﬃ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		takes(t, Analyze(text).Lexemes())
		Parse(text).All(true)
		ParsePlain(text).Scored()
	})
}

func takes(t *testing.T, all []Lexeme) {
	t.Helper()
	size := 0
	for i, l := range all {
		size += len(l.Term) + 6 + 2*len(l.Positions)
		if l.Term == "" || len(l.Term) > maxTerm || strings.Contains(l.Term, "\x00") || !utf8.ValidString(l.Term) {
			t.Fatalf("the term %q", l.Term)
		}
		if i > 0 && all[i-1].Term >= l.Term {
			t.Fatalf("%q comes after %q", l.Term, all[i-1].Term)
		}
		if n := len(l.Positions); n == 0 || n > maxPositions || l.Positions[0] == 0 || l.Positions[n-1] > maxPosition ||
			!slices.IsSorted(l.Positions) || len(slices.Compact(slices.Clone(l.Positions))) != n {
			t.Fatalf("%q is at %v", l.Term, l.Positions)
		}
	}
	if size > 1<<20 {
		t.Fatalf("%d bytes", size)
	}
}

func TestQuestionsSayWhatHasToBeThere(t *testing.T) {
	t.Parallel()
	const dogs, ran = "('dogs' | '~dog' | 'dog' | '~dogs')", "('ran' | '~ran')"
	for question, want := range map[string][3]string{ // all of it, what must not be there, and the phrases
		"dogs":         {dogs, "", ""},
		"dogs ran":     {dogs + " & " + ran, "", ""},
		`"dogs ran"`:   {"(" + dogs + " <-> " + ran + ")", "", "(" + dogs + " <-> " + ran + ")"},
		"-dogs":        {"!" + dogs, dogs, ""},
		"dogs OR ran":  {"(" + dogs + " | " + ran + ")", "", ""},
		`- " .,;`:      {},
		`ran:*&!()|\'`: {ran, "", ""},
		`"ran`:         {ran, "", ran},
	} {
		q := Parse(question)
		if got := [3]string{q.All(false), q.Without(), q.Phrases()}; got != want {
			t.Errorf("%s: %q", question, got)
		}
		if q.Empty() != (want[0] == "") || q.Selective() != (want[0] != "" && want[0][0] != '!') {
			t.Errorf("%s: empty %v, selective %v", question, q.Empty(), q.Selective())
		}
	}
}

func TestAQuestionThatAlmostEverythingAnswersIsNotSelective(t *testing.T) {
	t.Parallel()
	for question, selective := range map[string]bool{
		"-a": false, "-a -b": false, `-"a b"`: false, "-a or b": false, "b or -a": false, "b OR c or -a": false, "": false,
		"b -a": true, "-a b": true, "well-known or b": true, "b or c -a": true, "or": true, "b or": true,
	} {
		if got := Parse(question).Selective(); got != selective {
			t.Errorf("%q: %v", question, got)
		}
	}
}

// A word without end, or a question that is one, costs no more than others.
func TestLongWordsAreStoredAndAskedForByTheirBeginning(t *testing.T) {
	t.Parallel()
	for _, letter := range []string{"y", "a", "ß", "я", "ا", "가", "1", "e\u0301"} {
		word := strings.Repeat(letter, 50_000)
		all, begun := Analyze("a "+word).Lexemes(), quote(normal(word))
		if asked := Parse(word).All(false); !strings.Contains(asked, begun) {
			t.Errorf("%s: asked for is %.300s", letter, asked)
		}
		if !slices.ContainsFunc(all, func(l Lexeme) bool { return quote(l.Term) == begun }) {
			t.Errorf("%s: %d terms, and not its beginning", letter, len(all))
		}
	}
}
