package reasoning

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mark is a kind of markup around reasoning.
type mark int

const (
	text    mark = iota // none: the rest of a word, or a part of it
	space               // white space
	partial             // the beginning of a mark; more text decides
	open
	shut
	empty   // a tag that opens and closes, or a mark of the answer's beginning: nothing is between
	start   // of a turn; the role follows
	channel // of a message; its name follows
	message // the heading ends
	end     // of a message or a turn
	run     // of backticks or tildes
)

const (
	imStart = "<|im_start|>"
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	// maxTag bounds a tag with its attributes, in bytes.
	maxTag = 128
	// maxWord bounds the name of a role or channel.
	maxWord = 32
)

// names are those of tags, and literals the other marks, both in lower case.
var (
	names    = []string{"think", "thinking", "reasoning", "thought", "seed:think"}
	literals = map[string]mark{
		"[think]": open, "[/think]": shut,
		"◁think▷": open, "◁/think▷": shut,
		"<|begin_of_thought|>": open, "<|end_of_thought|>": shut,
		"<|begin_of_solution|>": empty, "<|end_of_solution|>": end,
		"<|start|>": start, imStart: start, "<|channel|>": channel, "<|message|>": message,
		"<|end|>": end, "<|return|>": end, "<|call|>": end,
		"<|im_end|>": end, "<|endoftext|>": end, "<|end_of_text|>": end, "<|eot_id|>": end, "<|eom_id|>": end, "<|end_of_turn|>": end,
		"<end_of_turn>": end, "<eos>": end, "</s>": end, "<｜end▁of▁sentence｜>": end,
	}
)

// scan returns the kind and the length of what s begins with. With final, nothing follows s.
func scan(s string, final bool) (mark, int) {
	switch s[0] {
	case '`', '~':
		n := len(s) - len(strings.TrimLeft(s, s[:1]))
		if n == len(s) && !final {
			return partial, 0
		}
		return run, n
	case '<', '[', "◁"[0]:
		if m, n := literal(s, final); m != text {
			return m, n
		}
		if m, n := tag(s, final); m != text {
			return m, n
		}
	}
	if !final && !utf8.FullRuneInString(s) {
		return partial, 0
	}
	if n := len(s) - len(strings.TrimLeftFunc(s, unicode.IsSpace)); n > 0 {
		return space, n
	}
	_, first := utf8.DecodeRuneInString(s)
	n := strings.IndexFunc(s[first:], func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune("`~<[◁", r) || r == utf8.RuneError
	})
	switch {
	case n == 0:
		return text, first
	case n > 0:
		return text, first + n
	}
	return text, len(s)
}

func literal(s string, final bool) (mark, int) {
	possible := false
	for l, m := range literals {
		n := min(len(l), len(s))
		switch {
		case !strings.EqualFold(l[:n], s[:n]):
		case n == len(l):
			return m, n
		default:
			possible = true
		}
	}
	if possible && !final {
		return partial, 0
	}
	return text, 0
}

// tag reads <name>, </name>, and what may stand in them besides.
func tag(s string, final bool) (mark, int) {
	inner, kind := s[1:], open
	if strings.HasPrefix(inner, "/") {
		inner, kind = inner[1:], shut
	}
	name := inner[:len(inner)-len(strings.TrimLeft(inner, letters+":"))]
	known := func(n string) bool { return strings.EqualFold(n, name) }
	begins := func(n string) bool { return len(name) <= len(n) && strings.EqualFold(n[:len(name)], name) }
	switch {
	case s[0] != '<':
		return text, 0
	case len(name) == len(inner):
		if !final && slices.ContainsFunc(names, begins) {
			return partial, 0
		}
		return text, 0
	case !slices.ContainsFunc(names, known):
		return text, 0
	}
	rest := inner[len(name):]
	if rest[0] != '>' && rest[0] != '/' && !unicode.IsSpace(rune(rest[0])) {
		return text, 0
	}
	switch i := strings.IndexAny(rest, "<>\n"); {
	case i < 0 && len(rest) < maxTag && !final:
		return partial, 0
	case i < 0 || i >= maxTag || rest[i] != '>':
		return text, 0
	default:
		if kind == open && strings.HasSuffix(rest[:i], "/") {
			kind = empty
		}
		return kind, len(s) - len(rest) + i + 1
	}
}

// word is the name that s begins with.
func word(s string) string {
	s = s[:min(len(s), maxWord)]
	return s[:len(s)-len(strings.TrimLeft(s, letters+"_"))]
}
