package queries_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
)

// logged records an entry of agent 2's log about turn 7.
func (g *given) logged(n byte, typ, body string) events.Position {
	return g.happened(events.AgentLogStream(id(n)), events.LogRecorded{
		LogID: id(n), AgentID: id(2), RoomID: id(2), EntityID: id(2), SubjectID: id(1), TurnID: id(7), Type: typ, Body: json.RawMessage(body),
	})
}

func types(all []queries.Log) (out []string) {
	for _, l := range all {
		out = append(out, l.Type)
	}
	return out
}

func TestACallOfAModelIsShownAsElizaOSDoes(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.logged(1, "useModel:TEXT_LARGE", `{"modelType":"TEXT_LARGE","prompt":"Hello","response":"Hi","usage":{"promptTokens":3,"completionTokens":4,"totalTokens":7}}`)
	got, err := g.Log(g.ctx, id(2), id(1))
	must(t, err)
	showsAs(t, got, `{"id":"01000000-0000-4000-8000-000000000001","createdAt":"2026-11-23T13:53:20.001Z",
		"entityId":"02000000-0000-4000-8000-000000000002","roomId":"02000000-0000-4000-8000-000000000002",
		"type":"useModel:TEXT_LARGE",
		"body":{"modelType":"TEXT_LARGE","params":{"prompt":"Hello"},"prompt":"Hello","response":"Hi",
			"usage":{"promptTokens":3,"completionTokens":4,"totalTokens":7,"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}}`)
	g.logged(3, "action", `{"action":"REPLY","runId":"r"}`)
	got, err = g.Log(g.ctx, id(2), id(3))
	must(t, err)
	if string(got.Body) != `{"action":"REPLY","actionId":"r","runId":"r"}` {
		t.Errorf("an action shows as %s", got.Body)
	}
}

func TestAnAgentsLogIsListedNewestFirstAndFiltered(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.logged(1, "useModel:TEXT_EMBEDDING", `{"modelType":"TEXT_EMBEDDING"}`)
	after := g.logged(2, "useModel:TEXT_LARGE", `{"modelType":"TEXT_LARGE","error":"it was away"}`)
	g.logged(3, "odd", `[]`)
	g.happened(events.TurnStream(id(7)), events.TurnCompleted{
		TurnID: id(7), ChannelID: id(9), AgentID: id(2), MessageID: id(3), Outcome: events.TurnReplied, ReplyID: id(4),
	})
	room := events.UniqueUUID(id(2), id(9).String())
	for _, c := range []struct {
		name          string
		filter        queries.LogFilter
		limit, offset int
		want          []string
	}{
		{"all", queries.LogFilter{}, 10, 0, []string{"action", "odd", "useModel:TEXT_LARGE", "useModel:TEXT_EMBEDDING"}},
		{"a page", queries.LogFilter{}, 2, 1, []string{"odd", "useModel:TEXT_LARGE"}},
		{"one type", queries.LogFilter{Type: "odd"}, 10, 0, []string{"odd"}},
		{"one room", queries.LogFilter{Room: room}, 10, 0, []string{"action"}},
		{"without some", queries.LogFilter{Excluded: []string{"action", "Embedding"}}, 10, 0, []string{"odd", "useModel:TEXT_LARGE"}},
		{"without what would have been counted", queries.LogFilter{Excluded: []string{"action"}}, 2, 0, []string{"odd"}},
		{"errors", queries.LogFilter{Failed: true}, 10, 0, []string{"useModel:TEXT_LARGE"}},
		{"none", queries.LogFilter{}, 0, 0, nil},
	} {
		got, err := g.Logs(g.ctx, id(2), c.filter, c.limit, c.offset)
		must(t, err)
		if !slices.Equal(types(got), c.want) {
			t.Errorf("%s: %v, not %v", c.name, types(got), c.want)
		}
	}
	got, err := g.LogsAfter(g.ctx, id(2), queries.LogFilter{After: after}, 10)
	must(t, err)
	if !slices.Equal(types(got), []string{"odd", "action"}) {
		t.Errorf("after the error: %v", types(got))
	}
	if string(got[0].Body) != `{}` {
		t.Errorf("a body that is no object shows as %s", got[0].Body)
	}
	got, err = g.LogsOf(g.ctx, id(7))
	must(t, err)
	if len(got) != 4 {
		t.Errorf("of the turn: %v", types(got))
	}
}

func TestATurnThatFailedIsAnErrorUntilItEndsAnew(t *testing.T) {
	t.Parallel()
	g := start(t)
	turn := events.TurnCompleted{TurnID: id(7), ChannelID: id(9), AgentID: id(2), MessageID: id(3), Outcome: events.TurnFailed, Reason: "no answer"}
	g.happened(events.TurnStream(id(7)), turn)
	got, err := g.Logs(g.ctx, id(2), queries.LogFilter{Failed: true}, 10, 0)
	must(t, err)
	if !slices.Equal(types(got), []string{"error"}) {
		t.Fatalf("after the failure: %v", types(got))
	}
	turn.Outcome, turn.ReplyID = events.TurnReplied, id(4)
	g.happened(events.TurnStream(id(7)), turn)
	got, err = g.Logs(g.ctx, id(2), queries.LogFilter{}, 10, 0)
	must(t, err)
	if !slices.Equal(types(got), []string{"action"}) {
		t.Errorf("after it ended well: %v", types(got))
	}
}

func TestWhatIsDeletedFromAnAgentsLogIsGoneAndAllOfItWithTheAgent(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.logged(1, "one", `{}`)
	g.logged(5, "two", `{}`)
	g.happened(events.AgentLogStream(id(1)), events.LogDeleted{LogID: id(1), AgentID: id(2)})
	got, err := g.Logs(g.ctx, id(2), queries.LogFilter{}, 10, 0)
	must(t, err)
	if !slices.Equal(types(got), []string{"two"}) {
		t.Errorf("after the deletion: %v", types(got))
	}
	g.happened(events.AgentStream(id(2)), events.AgentDeleted{AgentID: id(2)})
	if got, err = g.Logs(g.ctx, id(2), queries.LogFilter{}, 10, 0); err != nil || len(got) > 0 {
		t.Errorf("after the agent: %v %v", types(got), err)
	}
	if _, err := g.Log(g.ctx, id(2), uuid.New()); err == nil {
		t.Error("an entry that nobody recorded is found")
	}
}
