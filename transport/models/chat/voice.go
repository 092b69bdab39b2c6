package chat

import (
	"strings"
	"unicode"

	"annals/commands/reactions"
)

// Spoken takes off what models like to add, their name in front, and the one character that no event may hold.
func Spoken(agent, text string) string {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\x00", ""))
	for _, prefix := range names(agent) {
		if has(text, prefix) {
			return strings.TrimSpace(text[len(prefix):])
		}
	}
	return text
}

// names are the ways in which a model writes its name in front.
func names(agent string) []string {
	if agent == "" {
		return nil
	}
	return []string{agent + ":", "**" + agent + ":**", "**" + agent + "**:", "[" + agent + "]:"}
}

func has(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}

// Voice lets a listener hear an answer piece by piece, so that it has heard in the end what Spoken makes of the whole.
type Voice struct {
	names []string
	ear   reactions.Listener
	held  string // not to be heard yet: it may be the name, or space at the end
	named bool   // the name is past
	spoke bool   // something was heard
}

// NewVoice is that of an agent. Nobody need listen.
func NewVoice(agent string, ear reactions.Listener) *Voice {
	return &Voice{names: names(agent), ear: ear}
}

// Again begins anew, where something was said.
func (v *Voice) Again() {
	if v.ear != nil && v.spoke {
		v.ear.Again()
	}
	v.held, v.named, v.spoke = "", false, false
}

// Say says the next piece.
func (v *Voice) Say(piece string) {
	if v.ear == nil {
		return
	}
	v.held += strings.ReplaceAll(piece, "\x00", "")
	if !v.named {
		v.held = strings.TrimLeftFunc(v.held, unicode.IsSpace)
		if v.mayBeName() {
			return
		}
	}
	v.hear()
}

// End says what was held back, if it is not space.
func (v *Voice) End() {
	if v.ear != nil {
		v.hear()
	}
}

func (v *Voice) hear() {
	if !v.named {
		for _, name := range v.names {
			if has(v.held, name) {
				v.held = v.held[len(name):]
				break
			}
		}
		v.named = true
	}
	if !v.spoke {
		v.held = strings.TrimLeftFunc(v.held, unicode.IsSpace)
	}
	text := strings.TrimRightFunc(v.held, unicode.IsSpace)
	if text == "" {
		return
	}
	v.held, v.spoke = v.held[len(text):], true
	v.ear.Hear(text)
}

// mayBeName tells whether what was said so far is the beginning of the name.
func (v *Voice) mayBeName() bool {
	if v.held == "" {
		return true
	}
	for _, name := range v.names {
		if len(v.held) < len(name) && strings.EqualFold(name[:len(v.held)], v.held) {
			return true
		}
	}
	return false
}
