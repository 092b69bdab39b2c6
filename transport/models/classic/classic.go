// Package classic answers without any service: our rendering of ELIZA as Joseph Weizenbaum described it (Communications
// of the ACM 9(1), January 1966, pp. 36–45), with a DOCTOR script of our own.
//
// It departs from 1966 in four things. Decomposition sees the person's own words, and "I" becomes "you" only in what is
// quoted, so that the script reads as people speak. The clause with the most important keyword is answered, not the
// first with any. What was remembered is brought up whenever no keyword matches, not at every fourth turn. And an answer
// given a moment ago is passed over where the rule has another.
package classic

import (
	"context"
	_ "embed"
	"strings"
	"sync"

	"annals/commands/reactions"
)

// maxTurns bounds what is replayed before answering.
const maxTurns = 200

//go:embed doctor.txt
var doctor string

var loadDoctor = sync.OnceValue(func() *script {
	s, err := parse(doctor)
	if err != nil {
		panic("the embedded DOCTOR script is broken: " + err.Error()) // a test parses it: never seen outside of one
	}
	return s
})

// Model is ELIZA. What she says is a function of the prompt alone.
type Model struct{ script *script }

var (
	_ reactions.Text     = (*Model)(nil)
	_ reactions.Streamer = (*Model)(nil)
)

// New is ready at once and never fails.
func New() *Model { return &Model{script: loadDoctor()} }

// Generate replays the turns from a fresh state and answers the last one that is not the agent's own, never with an
// empty text. Of the character only the name is used. It fails only with the context.
func (m *Model) Generate(ctx context.Context, p reactions.Prompt) (reactions.Completion, error) {
	turns := p.Turns[max(0, len(p.Turns)-maxTurns):]
	machine := newMachine(m.script, p.Agent)
	reply := ""
	for _, turn := range turns {
		if err := ctx.Err(); err != nil {
			return reactions.Completion{}, err
		}
		if turn.Own {
			machine.heard(turn.Text)
		} else {
			reply = machine.answer(turn.Name, turn.Text)
		}
	}
	if reply == "" {
		reply = machine.say(m.script.start)
	}
	return reactions.Completion{Text: reply, Model: "classic"}, ctx.Err()
}

// Stream implements reactions.Streamer: word by word, without a pause.
func (m *Model) Stream(ctx context.Context, p reactions.Prompt, l reactions.Listener) (reactions.Completion, error) {
	said, err := m.Generate(ctx, p)
	if err != nil {
		return said, err
	}
	for word := range strings.SplitAfterSeq(said.Text, " ") {
		l.Hear(word)
	}
	return said, nil
}
