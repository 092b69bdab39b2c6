package classic

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"annals/commands/reactions"
)

const (
	titleWords = 4 // of a title, at most
	minLetters = 4 // of a word that may be in one
)

// Title names a conversation with what people spoke of most, in the order in which it came up. What the agent itself said
// only repeats them.
func (m *Model) Title(ctx context.Context, p reactions.Prompt) (reactions.Completion, error) {
	counts, order := map[string]int{}, []word{}
	for _, turn := range p.Turns[max(0, len(p.Turns)-maxTurns):] {
		if err := ctx.Err(); err != nil {
			return reactions.Completion{}, err
		}
		if turn.Own {
			continue
		}
		for _, clause := range clauses(turn.Text) {
			for _, w := range clause {
				if !telling(w.key) {
					continue
				}
				if counts[w.key]++; counts[w.key] == 1 {
					order = append(order, w)
				}
			}
		}
	}
	said := reactions.Completion{Model: "classic", Text: "Conversation with " + p.Agent}
	if len(order) == 0 {
		return said, nil
	}
	most := slices.Clone(order)
	slices.SortStableFunc(most, func(a, b word) int { return counts[b.key] - counts[a.key] })
	most = most[:min(titleWords, len(most))]
	var words []string
	for _, w := range order {
		if slices.Contains(most, w) {
			words = append(words, upperFirst(w.text))
		}
	}
	said.Text = strings.Join(words, " ")
	return said, nil
}

// telling tells a word that says what is spoken of from one that is in every conversation.
func telling(key string) bool {
	letters := utf8.RuneCountInString(key)
	first, _ := utf8.DecodeRuneInString(key)
	// Where words are written without spaces, or are short, every one tells.
	return (letters >= minLetters || unicode.In(first, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)) && !common[key]
}

var common = func() map[string]bool {
	words := map[string]bool{}
	for w := range strings.FieldsSeq(`about again also always another anything because been before being cannot could does doing
		don't each even every feel from give going good have having hello here i'm into it's just know less like made make many more
		most much must need never none nothing only other over please really said same seem should since some something sorry such
		sure tell than thank thanks that that's their them then there these they thing things think this those today told very want
		wanted well were what what's when where which while will with without would yeah your you're`) {
		words[w] = true
	}
	return words
}()
