package classic

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

const (
	maxJumps    = 8  // keywords that may hand one clause on to each other
	maxMemories = 16 // a speaker's; the oldest goes first
	unsaidFor   = 6  // own turns for which an answer is not given again where another one fits
)

// machine is one conversation: which answers have had their turn, what was said, what is worth coming back to.
type machine struct {
	*script
	agent    string
	turns    map[*rule]int
	said     []string
	memories map[string][]string // by speaker
}

func newMachine(s *script, agent string) *machine {
	return &machine{script: s, agent: cmp.Or(agent, "Eliza"), turns: map[*rule]int{}, memories: map[string][]string{}}
}

// answer says what follows from the words of a speaker. It is never empty.
func (m *machine) answer(speaker, text string) string {
	clause, keys := m.listen(text)
	for _, key := range keys {
		reply, ok := m.transform(key, clause, maxJumps)
		if !ok {
			continue
		}
		m.remember(speaker, key, clause)
		return reply
	}
	if kept := m.memories[speaker]; len(kept) > 0 {
		m.memories[speaker] = kept[1:]
		return kept[0]
	}
	return m.say(m.none)
}

// listen finds the clause with the most important keyword, and its keywords by rank. In 1966 the first clause with a
// keyword won; in a chat that is too often a "Hi," or a "Well,".
func (m *machine) listen(text string) (clause []word, keys []*keyword) {
	for _, c := range clauses(text) {
		c = m.rewrite.apply(c)
		var found []*keyword
		for _, w := range c {
			if key := m.keys[w.key]; key != nil && !slices.Contains(found, key) {
				found = append(found, key)
			}
		}
		slices.SortStableFunc(found, func(a, b *keyword) int { return b.rank - a.rank })
		if len(found) > 0 && (len(keys) == 0 || found[0].rank > keys[0].rank) {
			clause, keys = c, found
		}
	}
	return clause, keys
}

// transform applies the first rule of the keyword that matches; false leaves the clause to the next keyword.
func (m *machine) transform(key *keyword, clause []word, jumps int) (string, bool) {
	if jumps == 0 {
		return "", false
	}
	if key.same != "" {
		return m.transform(m.keys[key.same], clause, jumps-1)
	}
	for _, r := range key.rules {
		if parts, ok := r.pattern.match(clause); ok {
			return m.reassemble(r, parts, clause, jumps)
		}
	}
	return "", false
}

// reassemble takes the rule's next answer. One that would quote an empty part is passed over, and so is one that was
// said a moment ago, unless there is no other: what begins to slide out of the recent turns would otherwise always
// start the rotation at the same place.
func (m *machine) reassemble(r *rule, parts [][]word, clause []word, jumps int) (string, bool) {
	repeated := ""
	for range r.answers {
		a := r.answers[m.turns[r]%len(r.answers)]
		m.turns[r]++
		switch {
		case a.text == "" && a.then == "":
			return "", false
		case a.text == "":
			return m.transform(m.keys[a.then], clause, jumps-1)
		}
		quoted := parts
		if a.then == "" {
			quoted = m.reflected(parts)
		}
		text, ok := m.fill(a.text, quoted)
		switch {
		case !ok:
		case a.then != "":
			return m.rephrased(text, a.then, jumps)
		case !slices.Contains(m.said, text):
			return text, true
		case repeated == "":
			repeated = text
		}
	}
	return repeated, repeated != ""
}

func (m *machine) rephrased(text, key string, jumps int) (string, bool) {
	if c := clauses(text); len(c) > 0 {
		return m.transform(m.keys[key], m.rewrite.apply(c[0]), jumps-1)
	}
	return "", false
}

func (m *machine) reflected(parts [][]word) [][]word {
	out := make([][]word, len(parts))
	for i, part := range parts {
		out[i] = m.reflect.apply(part)
	}
	return out
}

// fill puts the parts into the text; false if it names a part that is empty.
func (m *machine) fill(text string, parts [][]word) (string, bool) {
	whole := true
	filled := placeholder.ReplaceAllStringFunc(text, func(name string) string {
		n, err := strconv.Atoi(strings.Trim(name, "{}"))
		if err != nil {
			return m.agent
		}
		whole = whole && len(parts[n-1]) > 0
		return join(parts[n-1])
	})
	return upperFirst(filled), whole
}

// remember keeps something to come back to when the speaker gives nothing to answer (1966: MEMORY).
func (m *machine) remember(speaker string, key *keyword, clause []word) {
	for _, r := range key.memories {
		parts, ok := r.pattern.match(clause)
		if !ok {
			continue
		}
		if text, ok := m.reassemble(r, parts, clause, 1); ok {
			kept := append(m.memories[speaker], text)
			m.memories[speaker] = kept[max(0, len(kept)-maxMemories):]
		}
		return
	}
}

// say gives the next sentence of a rule that needs no words of the speaker.
func (m *machine) say(r *rule) string {
	text, _ := m.reassemble(r, nil, nil, 1)
	return text
}

// heard notes what the agent itself said.
func (m *machine) heard(text string) {
	m.said = append(m.said, text)
	m.said = m.said[max(0, len(m.said)-unsaidFor):]
}
