package classic

import (
	"slices"
	"strings"
)

// phrases exchanges runs of words for others, the longest first, each word at most once: so "I" and "you" can change
// places.
type phrases map[string][]phrase // by first word

// phrase is one exchange; one that is final counts only at the end of what is exchanged.
type phrase struct {
	from  []string
	final bool
	to    []word
}

func (p phrases) add(from, to []string) {
	f := phrase{from: from}
	if n := len(from) - 1; from[n] == "$" {
		f.from, f.final = from[:n], true
	}
	for _, t := range to {
		f.to = append(f.to, word{text: t, key: strings.ToLower(t)})
	}
	all := append(p[from[0]], f)
	slices.SortStableFunc(all, func(a, b phrase) int { return b.length() - a.length() })
	p[from[0]] = all
}

// length orders phrases by how much they ask for.
func (p phrase) length() int {
	if p.final {
		return 2*len(p.from) + 1
	}
	return 2 * len(p.from)
}

func (p phrase) fits(words []word) bool {
	if len(words) < len(p.from) || p.final && len(words) > len(p.from) {
		return false
	}
	for i, f := range p.from {
		if words[i].key != f {
			return false
		}
	}
	return true
}

func (p phrases) apply(words []word) []word {
	out := make([]word, 0, len(words))
	for len(words) > 0 {
		i := slices.IndexFunc(p[words[0].key], func(f phrase) bool { return f.fits(words) })
		if i < 0 {
			out = append(out, words[0])
			words = words[1:]
			continue
		}
		f := p[words[0].key][i]
		out = append(out, f.to...)
		words = words[len(f.from):]
	}
	return out
}
