package queries_test

import (
	"testing"

	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
)

// sentences are texts in many scripts, each with what finds it first.
var sentences = map[string][]string{
	"我最喜欢的咖啡店是位于北京的那家":                           {"咖啡", "北京", "店", "咖啡店"},
	"昨日は東京タワーに行きました":                             {"東京", "タワー", "東京タワー", "ﾀﾜｰ"},
	"나는 아침마다 커피를 마신다":                            {"커피", "커피를", "아침"},
	"กรุงเทพมหานครเป็นเมืองหลวง":                 {"กรุงเทพ", "เมืองหลวง"},
	"Der Zug nach Köln ist voll.":                {"koln", "köln", "koeln", "KÖLN", "Züge"},
	"Die Hauptstraße wird neu gepflastert.":      {"strasse", "hauptstrasse", "Hauptstraße", "HAUPTSTRASSE"},
	"We met at the café around the corner.":      {"cafe", "cafés", "corners", "meet at cafe"},
	"Sie wohnt in Mu\u0308nchen am Fluss.":       {"münchen", "muenchen", "munchen"},
	"The code ＡＢＣ opens the ﬁrst gate.":          {"abc", "first", "gates"},
	"Restart it with kubectl, please.":           {"kubect", "kubectl"},
	"В Москве сегодня идёт снег.":                {"москва", "Москве", "идет", "снега"},
	"It is in deploy.yaml since v1.2.3.":         {"deploy", "yaml", "deploy.yaml", "1.2.3", "v1.2.3"},
	"Look into file_name_here.txt for that.":     {"file_name", "file_name_here.txt", "name_here"},
	"See https://example.org/guides/walls?x=1":   {"example.org", "guides", "walls"},
	"Call getUserName before you go on.":         {"userName", "getusername", "user name"},
	"Les enfants jouaient dans le jardin vert.":  {"enfant", "jardins"},
	"ذهبت إلى المدرسة":                           {"مدرسة", "المدرسة"},
	"हम कल बाजार गए थे":                          {"बाजार"},
	"She said \"never again\", it's Anna's word": {"anna", `"never again"`, "anna word"},
}

func TestMemoriesAreFoundInEveryScript(t *testing.T) {
	t.Parallel()
	g := start(t)
	n, text := byte(100), map[uuid.UUID]string{}
	for s := range sentences {
		n++
		text[id(n)] = s
		g.remembers(memory{id: n, agent: iris, text: s})
	}
	for s, questions := range sentences {
		for _, asked := range questions {
			got, err := g.Find(g.ctx, queries.Search{Agent: id(iris), Words: asked, Limit: 10})
			must(t, err)
			if len(got) == 0 || text[got[0].ID] != s {
				t.Errorf("%q does not find %q first: %+v", asked, s, got)
			}
		}
	}
}

func TestMessagesAreFoundInEveryScript(t *testing.T) {
	t.Parallel()
	g := start(t)
	n := byte(100)
	for s := range sentences {
		n++
		g.happened(events.MessageStream(id(n)), events.MessageSubmitted{MessageID: id(n), ChannelID: id(9), AuthorID: id(2), Content: s})
	}
	for s, questions := range sentences {
		for _, asked := range questions {
			got, err := g.SearchMessages(g.ctx, queries.MessageSearch{Text: asked, Limit: 10})
			must(t, err)
			if len(got) != 1 || got[0].Content != s {
				t.Errorf("%q does not find %q alone: %q", asked, s, contents(got))
			}
		}
	}
}
