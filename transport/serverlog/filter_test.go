package serverlog

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

func messages(all []Entry) (out []string) {
	for _, e := range all {
		_, rest, _ := strings.Cut(string(e.JSON), `"msg":"`)
		text, _, _ := strings.Cut(rest, `"`)
		out = append(out, text)
	}
	return out
}

func TestTheKeptEntriesAreSearchedAsInTheRecordedServer(t *testing.T) {
	t.Parallel()
	r := New()
	log := slog.New(r.handler)
	log.Info("one")
	log.Warn("two", "agentName", "Eliza", "agentId", "e")
	log.Error("three", "agentName", "Parry")
	for _, c := range []struct {
		search Search
		want   []string
	}{
		{Search{Limit: 10}, []string{"one", "two", "three"}},
		{Search{Limit: 2}, []string{"two", "three"}},
		{Search{Limit: 10, Level: "warn"}, []string{"two"}},
		{Search{Limit: 10, Level: "bogus"}, []string{"one"}},
		{Search{Limit: 10, Level: Everything, AgentName: "Eliza"}, []string{"two"}},
		{Search{Limit: 10, AgentName: Everything, AgentID: "e"}, []string{"two"}},
		{Search{Limit: 10, Since: 1 << 50}, nil},
	} {
		if found, total := r.Find(c.search); !slices.Equal(messages(found), c.want) || total != 3 {
			t.Errorf("%+v: %v of %d, not %v", c.search, messages(found), total, c.want)
		}
	}
	for i := range 18 {
		log.Info(fmt.Sprint(i))
	}
	if found, _ := r.Find(Search{Limit: 1000, AgentName: "Nobody"}); len(found) != 19 {
		t.Errorf("where few entries are about agents, %d are found for nobody", len(found))
	}
}

func TestEntriesAreNumberedUpwards(t *testing.T) {
	t.Parallel()
	r := New()
	log := slog.New(r.handler)
	log.Info("one")
	log.Info("two")
	all := r.Entries()
	if all[0].Sequence == 0 || all[1].Sequence != all[0].Sequence+1 {
		t.Errorf("sequences %d, %d", all[0].Sequence, all[1].Sequence)
	}
	if later := New(); later.sequence < all[0].Sequence {
		t.Error("a later ring numbers from below")
	}
}
