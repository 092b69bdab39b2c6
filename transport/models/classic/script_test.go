package classic

import (
	"strings"
	"testing"
)

func TestTheScriptIsWhole(t *testing.T) {
	t.Parallel()
	s, err := parse(doctor)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.keys) < 150 {
		t.Errorf("only %d keywords", len(s.keys))
	}
}

func TestEveryAnswerOfTheScriptCanBeGiven(t *testing.T) {
	t.Parallel()
	s, err := parse(doctor)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range s.keys {
		for _, r := range append(key.rules, key.memories...) {
			parts := make([][]word, len(r.pattern))
			for i := range parts {
				parts[i] = []word{{text: "snails", key: "snails"}}
			}
			m := newMachine(s, "Iris")
			for _, a := range r.answers {
				text, ok := m.fill(a.text, parts)
				if !ok || a.text != "" && a.then == "" && !strings.ContainsAny(text[len(text)-1:], ".?") {
					t.Errorf("%s: %q became %q", name, a.text, text)
				}
			}
		}
	}
}

func TestABrokenScriptIsRefusedWithItsLine(t *testing.T) {
	t.Parallel()
	const whole = "start\nsay Hello.\nnone\nsay Go on.\n"
	for script, complaint := range map[string]string{
		"":                                  `needs a "start" and a "none"`,
		"start\nnone\nsay A.":               `needs a "start" and a "none"`,
		"start\nsay {1}\nnone\nsay A.":      "line 2 (say): {1} names no part",
		"start\ngo you\nnone\nsay A.":       `no key "you"`,
		"start\nnewkey\nnone\nsay A.":       "can only say something",
		whole + "key":                       "line 5 (key)",
		whole + "key my high":               `rank "high" is not a number`,
		whole + "key my 2":                  `"my" has no rules`,
		whole + "key my 2\nmatch 0":         `"my" has no answer`,
		whole + "key a 1\ngo b":             `line 6: there is no key "b"`,
		whole + "key a 1\nsay A.":           "no rule above",
		whole + "key a 1\nmatch":            "an empty pattern",
		whole + "key a 1\nmatch /family":    `the tag "family"`,
		whole + "key a 1\nmatch 0\nsay {2}": "{2} names no part: the rule above has 1",
		whole + "key a 1\nmatch 0\nsay {x}": "{x} names no part",
		whole + "key a 1\nmatch 0\nsay":     "something is missing",
		whole + "key a 1\nmatch 0\npre i":   "something is missing",
		whole + "key a a 1":                 `"a" has rules already`,
		whole + "match 0":                   "below a key",
		whole + "rewrite a b":               "not an exchange",
		whole + "reflect $ -> a":            "not an exchange",
		whole + "tag family":                "a tag needs",
		whole + "sing la":                   "line 5 (sing): unknown word",
	} {
		if _, err := parse(script); err == nil || !strings.Contains(err.Error(), complaint) {
			t.Errorf("%q: got %v, want %q", script, err, complaint)
		}
	}
}

func TestAKeywordThatComesBackToItselfEnds(t *testing.T) {
	t.Parallel()
	s, err := parse("start\nsay Hello.\nnone\nsay Go on.\nkey a 1\ngo b\nkey b 1\nmatch 0\npre a {1} -> a\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := newMachine(s, "").answer("Ada", "a"); got != "Go on." {
		t.Errorf("got %q", got)
	}
}

func TestPartsAreTakenAsTheRulesSay(t *testing.T) {
	t.Parallel()
	tags := map[string][]string{"family": {"mother", "father"}}
	for _, c := range []struct{ pattern, said, parts string }{
		{"0", "", ""},
		{"0", "a b", "a b"},
		{"0 my 0", "and my cat", "and|my|cat"},
		{"0 my 0", "my my cat", "|my|my cat"},
		{"0 you 0 me", "you tell me and me", "|you|tell me and|me"},
		{"0 my 2 0", "my old cat sleeps", "|my|old cat|sleeps"},
		{"0 my 1", "my old cat", "no"},
		{"my 0 /family", "my dear mother", "my|dear|mother"},
		{"my 0 /family", "my dear cat", "no"},
		{"0 *a|b 0 *a|b", "x a y b", "x|a|y|b"},
		{"a", "a b", "no"},
		{"1", "", "no"},
	} {
		p, err := parsePattern(c.pattern, tags)
		if err != nil {
			t.Fatal(err)
		}
		got := "no"
		if parts, ok := p.match(spoken(c.said)); ok {
			texts := make([]string, len(parts))
			for i, part := range parts {
				texts[i] = join(part)
			}
			got = strings.Join(texts, "|")
		}
		if got != c.parts {
			t.Errorf("%q on %q: %q, want %q", c.pattern, c.said, got, c.parts)
		}
	}
}

func TestTheSpeakersChangePlacesInWhatIsQuoted(t *testing.T) {
	t.Parallel()
	for said, quoted := range map[string]string{
		"I am your friend":       "you are my friend",
		"you are my friend":      "I am your friend",
		"I was with you":         "you were with me",
		"my mother and I":        "your mother and you",
		"you and me":             "I and you",
		"I love you":             "you love me",
		"what you said to me":    "what I said to you",
		"yours is mine":          "mine is yours",
		"they are like Paris":    "they are like Paris",
		"am I myself":            "are you yourself",
		"the cat looks at you":   "the cat looks at me",
		"you told yourself that": "I told myself that",
	} {
		if got := join(loadDoctor().reflect.apply(spoken(said))); got != quoted {
			t.Errorf("%q became %q, want %q", said, got, quoted)
		}
	}
}

func TestATextFallsIntoClauses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Hi, it’s me. Well... NASA called!":   "hi|it's me|well|NASA called",
		"It cost 3.50, but not at 10:30":      "it cost 3.50|not at 10:30",
		"SHOUTING HELPS":                      "shouting helps",
		"no 😀 emoji\nno 'quotes'":             "no emoji|no quotes",
		"Grüße an Élodie":                     "grüße an Élodie",
		strings.Repeat("a ", maxClause) + "b": strings.TrimSpace(strings.Repeat("a ", maxClause)) + "|b",
	} {
		var got []string
		for _, c := range clauses(text) {
			got = append(got, join(c))
		}
		if joined := strings.Join(got, "|"); joined != want {
			t.Errorf("%q: %q, want %q", text, joined, want)
		}
	}
}

// spoken is a clause as it would be heard in the middle of a sentence.
func spoken(text string) []word {
	var out []word
	for _, w := range strings.Fields(text) {
		out = append(out, word{text: w, key: strings.ToLower(w)})
	}
	return out
}
