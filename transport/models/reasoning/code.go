package reasoning

import (
	"strings"
	"unicode"
)

// code follows Markdown's code through a text: fenced blocks, and spans between backticks within a line.
type code struct {
	fence string // what opened the block
	span  int    // how many backticks opened the span
}

func (c *code) inside() bool { return c.fence != "" || c.span > 0 }

// run reads a run of backticks or tildes.
func (c *code) run(s string, lineStart bool) {
	switch {
	case c.fence != "":
		if lineStart && s[0] == c.fence[0] && len(s) >= len(c.fence) {
			c.fence = ""
		}
	case lineStart && len(s) >= 3:
		c.fence, c.span = s, 0
	case s[0] == '~':
	case c.span == 0:
		c.span = len(s)
	case c.span == len(s):
		c.span = 0
	}
}

// text reads other text: a span ends with its line at the latest.
func (c *code) text(s string) {
	if strings.Contains(s, "\n") {
		c.span = 0
	}
}

// lineStart reports whether only white space stands before the end of s in its last line.
func lineStart(s string) bool {
	s = strings.TrimRight(s, " \t")
	return s == "" || strings.HasSuffix(s, "\n")
}

func endsWithSpace(s string) bool { return strings.TrimRightFunc(s, unicode.IsSpace) != s }

// sentenceStart reports whether a sentence may begin behind s.
func sentenceStart(s string) bool {
	if lineStart(s) {
		return true
	}
	s = strings.TrimRight(s, " \t\r")
	s = strings.TrimRight(s, "\"'”’»)]*_")
	return strings.HasSuffix(s, ".") || strings.HasSuffix(s, "!") || strings.HasSuffix(s, "?") || strings.HasSuffix(s, "…") ||
		strings.HasSuffix(s, "。") || strings.HasSuffix(s, "！") || strings.HasSuffix(s, "？")
}
