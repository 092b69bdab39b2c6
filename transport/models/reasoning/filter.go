// Package reasoning separates what a model thinks aloud from its answer, while the text arrives.
package reasoning

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Filter reads a model's text in pieces of any size and splits it into the answer and the reasoning. How the text was cut into
// pieces makes no difference to the result.
//
// Models mark reasoning in two ways. Tags such as <think> stand around it; many models omit the closing tag when they run
// out of tokens, and some omit the opening one, because their prompt ends with it. Channels (OpenAI's Harmony) name each part:
// <|channel|>analysis<|message|>…<|end|>. Filter recognizes both, and drops the marks that end a turn (<|im_end|>) from the end of
// an answer. What stands in code, in quotation marks, or as a word of a sentence is the answer's own text and stays.
//
// A closing tag without an opening one shows only afterwards that all text before it was reasoning: Retract reports that.
type Filter struct {
	// Answer receives the next piece of the answer.
	Answer func(piece string)
	// Retract reports that everything that Answer has received was reasoning.
	Retract func()
	// Hold keeps text back until it cannot turn out to be reasoning any more: a closing tag came, or the end.
	Hold bool

	rest      string          // received and not decided yet
	mode      mode            // what rest belongs to
	answer    strings.Builder // everything that counts as the answer so far
	passed    int             // how much of the answer was passed to Answer
	reasoning strings.Builder
	code      code
	ends      string // marks that end a turn: dropped if nothing follows, otherwise part of the answer
	skipSpace bool   // reasoning was taken out after white space, so the white space behind it is superfluous
	nested    bool   // tags were opened within the reasoning
	blocks    int    // of reasoning that were opened
	mentioned bool   // the answer speaks of an opening tag, so the closing one is mentioned as well
	unopened  bool
	stray     bool   // a closing tag came after reasoning that was opened and closed
	role      string // of the turn that is being read, if it names one
	channel   string // of the message that is being read, if it names one
	final     bool   // the answer came in the channel for it
}

type mode int

const (
	answering mode = iota
	thinking       // between tags
	heading        // between <|start|> or <|channel|> and <|message|>
	elsewhere      // in a channel or a turn that is not the answer
)

// Split splits a whole text.
func Split(text string) (answer, reasoning string) {
	f := Filter{Answer: func(string) {}, Retract: func() {}}
	f.Write(text)
	f.Close()
	return f.answer.String(), f.Reasoning()
}

// Reasoning returns what was found to be reasoning so far.
func (f *Filter) Reasoning() string { return strings.TrimSpace(f.reasoning.String()) }

// Unopened reports whether the text began as reasoning that was closed and never opened. A model that does so once tends to do so
// always: with Hold, its reasoning is never passed on.
func (f *Filter) Unopened() bool { return f.unopened }

// Write takes the next piece.
func (f *Filter) Write(piece string) {
	f.rest += piece
	f.run(false)
	f.pass()
}

// Close takes the end of the text.
func (f *Filter) Close() {
	f.run(true)
	f.Hold = false
	f.pass()
}

func (f *Filter) run(final bool) {
	for f.rest != "" {
		n := f.step(final)
		if n == 0 {
			return
		}
		f.rest = f.rest[n:]
	}
}

// step deals with the beginning of rest and returns its length, or 0 if more text is needed to decide.
func (f *Filter) step(final bool) int {
	m, n := scan(f.rest, final)
	after := f.rest[n:]
	switch {
	case m == partial, !final && m != text && m != space && !utf8.FullRuneInString(after):
		return 0
	case !final && (m == start || m == channel) && len(word(after)) == len(after):
		return 0
	}
	switch f.mode {
	case thinking:
		f.think(m, n)
	case heading:
		return f.head(m, n)
	case elsewhere:
		return f.other(m, n)
	default:
		return f.reply(m, n)
	}
	return n
}

// think reads reasoning between tags.
func (f *Filter) think(m mark, n int) {
	switch {
	case m == shut && !f.quoted(f.reasoning.String(), n):
		f.reasoning.WriteString("\n")
		f.Hold = f.Hold || f.nested
		f.resume()
		return
	case m == open:
		f.nested = true
	}
	f.reasoning.WriteString(f.rest[:n])
}

// head skips the rest of a heading.
func (f *Filter) head(m mark, n int) int {
	switch m {
	case start, channel:
		return f.begin(m, n)
	case message:
		if f.answers() {
			f.enter()
		} else {
			f.mode = elsewhere
		}
	}
	return n
}

// other reads what is not the answer, up to the next heading.
func (f *Filter) other(m mark, n int) int {
	switch m {
	case start, channel:
		if word(f.rest[n:]) != "" {
			return f.begin(m, n)
		}
	case end:
		f.reasoning.WriteString("\n")
		f.role, f.channel = "", ""
		f.resume()
		return n
	}
	f.reasoning.WriteString(f.rest[:n])
	return n
}

// reply reads the answer.
func (f *Filter) reply(m mark, n int) int {
	switch {
	case m == end && !f.strikes(n), m == space && f.ends != "" && !f.stray:
		f.ends += f.rest[:n]
		return n
	case m == space && f.stray:
		return n
	case (m == start || m == channel) && word(f.rest[n:]) != "" && !f.code.inside():
		f.ends = ""
		return f.begin(m, n)
	case f.stray:
		f.retract()
		f.resume()
	}
	f.add(f.ends)
	f.ends = ""
	switch {
	case m == run:
		f.code.run(f.rest[:n], lineStart(f.answer.String()))
	case f.code.inside():
	case m == open && f.opens(n):
		f.open()
		return n
	case m == empty && f.opens(n):
		f.blocks++
		f.resume()
		return n
	case m == open:
		f.mentioned = true
	case m == shut && f.mentioned:
		f.mentioned = false
	case m == shut && !f.quoted(f.answer.String(), n):
		f.shut()
		return n
	}
	f.add(f.rest[:n])
	return n
}

// begin reads a mark that begins a heading, and the name behind it.
func (f *Filter) begin(m mark, n int) int {
	name := word(f.rest[n:])
	chatML := strings.EqualFold(f.rest[:n], imStart)
	n += len(name)
	f.mode = heading
	if m == channel {
		f.channel = name
		return n
	}
	f.role, f.channel = name, ""
	if !chatML {
		return n
	}
	if f.mode = elsewhere; f.answers() {
		f.resume()
		f.skipSpace = true
	}
	return n
}

// answers reports whether the message that is being read is the answer.
func (f *Filter) answers() bool {
	return (f.role == "" || strings.EqualFold(f.role, "assistant")) && (f.channel == "" || strings.EqualFold(f.channel, "final"))
}

// enter begins the answer behind a heading. What came before the channel for it was not the answer.
func (f *Filter) enter() {
	if f.channel != "" {
		if !f.final {
			f.retract()
		}
		f.final = true
	}
	f.resume()
}

func (f *Filter) resume() {
	f.mode, f.nested = answering, false
	f.skipSpace = lineStart(f.answer.String()) || endsWithSpace(f.answer.String())
}

func (f *Filter) open() {
	f.mode = thinking
	f.blocks++
	if strings.TrimSpace(f.answer.String()) == "" {
		f.Hold = false // the model opens its reasoning
	}
}

// shut reads a closing tag that was never opened. After reasoning that was opened it may as well be superfluous, at the end of the
// answer: the text behind it decides.
func (f *Filter) shut() {
	if f.blocks > 0 {
		f.stray = true
		return
	}
	f.unopened = true
	f.blocks++
	f.retract()
	f.resume()
}

// retract moves the answer so far to the reasoning.
func (f *Filter) retract() {
	f.reasoning.WriteString(f.answer.String() + "\n")
	f.answer.Reset()
	f.code, f.stray, f.Hold = code{}, false, false
	if f.passed > 0 {
		f.Retract()
	}
	f.passed = 0
}

// opens reports whether an opening tag of n bytes begins reasoning. Models begin it where a sentence may begin; within a sentence
// only a tag with text right behind it does, any other is a word of the sentence.
func (f *Filter) opens(n int) bool {
	before := f.answer.String()
	if f.quoted(before, n) {
		return false
	}
	next, _ := utf8.DecodeRuneInString(f.rest[n:])
	return sentenceStart(before) || next == '\n' || unicode.IsLetter(next) || unicode.IsDigit(next)
}

// strikes reports whether the first n bytes of rest end struck text, in HTML, and not a turn.
func (f *Filter) strikes(n int) bool {
	return f.rest[:n] == "</s>" && strings.Contains(f.answer.String(), "<s>")
}

// quoted reports whether the same quotation mark stands before the first n bytes of rest and behind them.
func (f *Filter) quoted(before string, n int) bool {
	after := f.rest[n:]
	return before != "" && after != "" && before[len(before)-1] == after[0] && strings.IndexByte("`\"'", after[0]) >= 0
}

// add adds to the answer.
func (f *Filter) add(s string) {
	if f.skipSpace {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
	}
	if s == "" {
		return
	}
	f.skipSpace = false
	f.code.text(s)
	f.answer.WriteString(s)
}

// pass passes on what is new in the answer.
func (f *Filter) pass() {
	if f.Hold || f.passed == f.answer.Len() {
		return
	}
	f.Answer(f.answer.String()[f.passed:])
	f.passed = f.answer.Len()
}
