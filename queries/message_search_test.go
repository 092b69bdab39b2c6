package queries_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"annals/events"
	"annals/queries"
)

func contents(all []queries.Message) (out []string) {
	for _, m := range all {
		out = append(out, m.Content)
	}
	return out
}

func TestMessagesAreFoundByTheirWords(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.said(1, "The cat sat on the mat.")
	g.said(2, "A dog, and a CAT besides")
	g.said(3, "nothing of the kind")
	g.happened(events.MessageStream(id(4)), events.MessageSubmitted{MessageID: id(4), ChannelID: id(8), AuthorID: id(2), Content: "elsewhere, a cat"})
	for _, c := range []struct {
		search queries.MessageSearch
		want   []string
	}{
		{queries.MessageSearch{Text: "cat", Limit: 10}, []string{"elsewhere, a cat", "A dog, and a CAT besides", "The cat sat on the mat."}},
		{queries.MessageSearch{Text: "cat -dog", Channel: id(9), Limit: 10}, []string{"The cat sat on the mat."}},
		{queries.MessageSearch{Text: `"cat sat"`, Limit: 10}, []string{"The cat sat on the mat."}},
		{queries.MessageSearch{Text: "mat or kind", Limit: 10}, []string{"nothing of the kind", "The cat sat on the mat."}},
		{queries.MessageSearch{Text: "cat", Author: id(2), Limit: 10}, []string{"elsewhere, a cat"}},
		{queries.MessageSearch{Text: "cat", Limit: 1, Offset: 1}, []string{"A dog, and a CAT besides"}},
		{queries.MessageSearch{Channel: id(8), Limit: 10}, []string{"elsewhere, a cat"}},
		{queries.MessageSearch{From: dawn.Add(3 * time.Millisecond), To: dawn.Add(3 * time.Millisecond), Limit: 10}, []string{"nothing of the kind"}},
		{queries.MessageSearch{Text: "&!(|:*", Limit: 10}, nil},
	} {
		got, err := g.SearchMessages(g.ctx, c.search)
		must(t, err)
		if !slices.Equal(contents(got), c.want) {
			t.Errorf("%+v: %q, not %q", c.search, contents(got), c.want)
		}
	}
}

func TestAMessageWithMoreWordsThanPostgresCanIndexIsKeptAndFoundByItsBeginning(t *testing.T) {
	t.Parallel()
	g := start(t)
	var long strings.Builder
	for i := range 100_000 {
		long.WriteRune(rune(0x20000 + i%40000))
		if i >= 40000 {
			long.WriteByte('x')
		}
		long.WriteByte(' ')
	}
	g.said(1, "beginning "+long.String())
	got, err := g.SearchMessages(g.ctx, queries.MessageSearch{Text: "beginning", Limit: 1})
	must(t, err)
	if len(got) != 1 {
		t.Error("it is not found")
	}
}
