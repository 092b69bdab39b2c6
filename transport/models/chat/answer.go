package chat

import (
	"strings"
	"sync/atomic"
	"unicode"

	"annals/commands/reactions"
	"annals/transport/models/reasoning"
)

// Habits is what earlier answers of a model showed about the later ones. The zero value knows nothing.
type Habits struct{ closesOnly atomic.Bool } // its reasoning begins without a mark, and only ends with one

// Answer assembles the answer of a model from the pieces in which it arrives. It keeps the model's reasoning apart, takes off the
// agent's name in front, and passes the text on to a listener while it grows: what the listener has heard in the end is the text.
type Answer struct {
	names    []string
	listener reactions.Listener // nil if nobody listens
	habits   *Habits

	filter *reasoning.Filter
	apart  strings.Builder // reasoning that came in a field of its own
	text   strings.Builder // what the listener has heard
	held   string          // not to be heard yet: it may be the name, or space at the end
	named  bool            // the name is past
}

// NewAnswer assembles an answer of an agent by a model of these habits. The listener may be nil.
func NewAnswer(agent string, l reactions.Listener, h *Habits) *Answer {
	a := &Answer{names: namesInFront(agent), listener: l, habits: h}
	a.begin()
	return a
}

// Again discards everything: the model is asked again.
func (a *Answer) Again() {
	a.silence()
	a.apart.Reset()
	a.begin()
}

func (a *Answer) begin() {
	a.filter = &reasoning.Filter{Answer: a.speak, Retract: a.silence, Hold: a.habits.closesOnly.Load()}
}

// Say takes the next piece of what the model says.
func (a *Answer) Say(piece string) { a.filter.Write(strings.ReplaceAll(piece, "\x00", "")) }

// Think takes the next piece of reasoning that the provider sends apart from what the model says.
func (a *Answer) Think(piece string) { a.apart.WriteString(strings.ReplaceAll(piece, "\x00", "")) }

// End returns the text and the reasoning of the whole answer.
func (a *Answer) End() (text, reasoning string) {
	a.filter.Close()
	a.hear()
	if a.filter.Unopened() {
		a.habits.closesOnly.Store(true)
	}
	return a.text.String(), strings.TrimSpace(a.apart.String() + "\n" + a.filter.Reasoning())
}

// silence takes back what was heard.
func (a *Answer) silence() {
	if a.listener != nil && a.text.Len() > 0 {
		a.listener.Again()
	}
	a.text.Reset()
	a.held, a.named = "", false
}

func (a *Answer) speak(piece string) {
	a.held += piece
	if !a.named {
		a.held = strings.TrimLeftFunc(a.held, unicode.IsSpace)
		if a.mayBeName() {
			return
		}
	}
	a.hear()
}

func (a *Answer) hear() {
	if !a.named {
		for _, name := range a.names {
			if hasPrefix(a.held, name) {
				a.held = a.held[len(name):]
				break
			}
		}
		a.named = true
	}
	if a.text.Len() == 0 {
		a.held = strings.TrimLeftFunc(a.held, unicode.IsSpace)
	}
	text := strings.TrimRightFunc(a.held, unicode.IsSpace)
	if text == "" {
		return
	}
	a.held = a.held[len(text):]
	a.text.WriteString(text)
	if a.listener != nil {
		a.listener.Hear(text)
	}
}

// mayBeName reports whether what is held is the beginning of the name.
func (a *Answer) mayBeName() bool {
	if a.held == "" {
		return true
	}
	for _, name := range a.names {
		if len(a.held) < len(name) && hasPrefix(name, a.held) {
			return true
		}
	}
	return false
}

// namesInFront are the ways in which a model writes the agent's name in front.
func namesInFront(agent string) []string {
	if agent == "" {
		return nil
	}
	return []string{agent + ":", "**" + agent + ":**", "**" + agent + "**:", "[" + agent + "]:"}
}

func hasPrefix(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}
