package classic

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// pattern is a decomposition rule: what a clause must look like, and into which parts it falls.
type pattern []element

// element takes any run of words, exactly count words, or one word of a set.
type element struct {
	any   bool
	count int
	set   map[string]bool
}

// match gives one part for each element. A run of any length is as short as the rest allows, as in 1966; going back only
// to the last such run is enough for that, and keeps the work at words times elements.
func (p pattern) match(words []word) ([][]word, bool) {
	starts := make([]int, len(p)+1)
	run, next := -1, 0
	for e, w := 0, 0; e < len(p) || w < len(words); {
		if e < len(p) {
			starts[e] = w
			if p[e].any {
				run, next = e, w
				e++
				continue
			}
			if n := p[e].takes(words[w:]); n > 0 {
				w += n
				e++
				continue
			}
		}
		if run < 0 || next >= len(words) {
			return nil, false
		}
		next++
		e, w = run+1, next
	}
	starts[len(p)] = len(words)
	parts := make([][]word, len(p))
	for i := range p {
		parts[i] = words[starts[i]:starts[i+1]]
	}
	return parts, true
}

// takes tells how many words a bounded element takes from the front; 0 means that it does not fit.
func (e element) takes(words []word) int {
	switch {
	case e.set == nil && len(words) >= e.count:
		return e.count
	case e.set != nil && len(words) > 0 && e.set[words[0].key]:
		return 1
	}
	return 0
}

// parsePattern reads the notation that doctor.txt explains: 0, a number, word, *one|of|these, /tag|tag.
func parsePattern(text string, tags map[string][]string) (pattern, error) {
	var p pattern
	for _, field := range strings.Fields(text) {
		if n, err := strconv.Atoi(field); err == nil {
			p = append(p, element{any: n == 0, count: n})
			continue
		}
		set := make(map[string]bool)
		switch field[0] {
		case '/':
			for tag := range strings.SplitSeq(field[1:], "|") {
				if tags[tag] == nil {
					return nil, fmt.Errorf("no word has the tag %q: define it above with \"tag %s …\"", tag, tag)
				}
				for _, w := range tags[tag] {
					set[w] = true
				}
			}
		default:
			for w := range strings.SplitSeq(strings.TrimPrefix(field, "*"), "|") {
				set[w] = true
			}
		}
		p = append(p, element{set: set})
	}
	if len(p) == 0 {
		return nil, errors.New("an empty pattern matches nothing: write 0 for any words")
	}
	return p, nil
}
