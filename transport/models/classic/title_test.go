package classic

import (
	"testing"

	"annals/commands/reactions"
)

func TestAConversationIsNamedAfterWhatPeopleSpokeOf(t *testing.T) {
	t.Parallel()
	for want, said := range map[string][]string{
		"Garden Roses Eaten Slugs": {"Hello, I have a garden.", "The roses in my garden are eaten by slugs."},
		"Conversation with Ada":    {"Hello", "ok", "?!"},
		"你好世界":                     {"你好世界"},
	} {
		p := reactions.Prompt{Agent: "Ada", Turns: []reactions.Turn{{Own: true, Text: "Elephants elephants elephants"}}}
		for _, s := range said {
			p.Turns = append(p.Turns, reactions.Turn{Name: "Ann", Text: s})
		}
		got, err := New().Title(t.Context(), p)
		if err != nil || got.Text != want {
			t.Errorf("%q: %q, %v", said, got.Text, err)
		}
	}
}
