package terms

import (
	"strings"
	"sync"
)

// stored are the forms of words that were met lately: most words of a text are those of the text before.
var stored = struct {
	sync.Mutex
	forms map[storedWord][]string
}{forms: map[storedWord][]string{}}

type storedWord struct {
	text     string
	language int
}

const (
	// maxStored bounds how many words are kept, and maxStoredWord how long they are, in bytes.
	maxStored     = 20_000
	maxStoredWord = 32
)

// storedAs are the terms under which a word of a text in a language is stored.
func storedAs(p part, language int) []string {
	if p.gram || len(p.text) > maxStoredWord {
		return p.forms(stemmersOf(language))
	}
	word := storedWord{p.text, language}
	stored.Lock()
	defer stored.Unlock()
	forms, ok := stored.forms[word]
	if !ok {
		if len(stored.forms) == maxStored {
			clear(stored.forms)
		}
		forms = p.forms(stemmersOf(language))
		word.text = strings.Clone(word.text) // which is a part of the whole text
		stored.forms[word] = forms
	}
	return forms
}
