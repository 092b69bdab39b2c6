package httpapi_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/httpapitest"
	"annals/transport/problem"
)

func TestARunIsListedFromItsBeginningAndTellsWhatHappened(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Runner")
	channel := s.Ask("POST", "/api/messaging/channels", fields{
		"name": "x", "type": "DM", "message_server_id": "0", "participantCentralUserIds": []string{ann, agent},
	}).Is(201).Text("id")
	runs, by := "/api/agents/"+agent+"/runs", uuid.MustParse(agent)
	says := func(content string) events.MessageSubmitted {
		message := s.Ask("POST", "/api/messaging/channels/"+channel+"/messages", said(content)).Is(201).Text("id")
		return events.MessageSubmitted{MessageID: uuid.MustParse(message), ChannelID: uuid.MustParse(channel), Content: content, Audience: []uuid.UUID{by}}
	}
	first := says("hello")
	begun := s.Ask("GET", runs, nil).Is(200)
	id := events.TurnID(first.MessageID, by)
	if begun.Text("runs.0.runId") != id.String() || begun.Text("runs.0.status") != queries.RunStarted || begun.Field("data.runs.0.endedAt") != nil ||
		begun.Text("runs.0.entityId") != ann || begun.Text("runs.0.messageId") != events.UniqueUUID(by, first.MessageID.String()).String() {
		t.Errorf("begun: %s", begun.Body)
	}
	must(t, httpapitest.Do(s.Env, commands.RecordLog{LogRecorded: events.LogRecorded{
		LogID: uuid.New(), AgentID: by, RoomID: by, EntityID: by, TurnID: id, Type: events.LogModelCall + "TEXT_LARGE",
		Body: []byte(`{"modelType":"TEXT_LARGE","provider":"classic","prompt":"p","response":"r","executionTime":3,"usage":{"promptTokens":7,"completionTokens":5,"totalTokens":12}}`),
	}}))
	s.turn(first, by)
	s.turn(says("failed now"), by)
	says("still thinking")
	s.CaughtUp()
	for query, want := range map[string]float64{"": 3, "?status=started": 1, "?status=completed": 1, "?status=error": 1, "?status=timeout": 0, "?status=x": 3, "?limit=1": 3, "?roomId=" + channel: 0, "?to=1000": 0} {
		if got := s.Ask("GET", runs+query, nil).Is(200); got.Field("data.total") != want || got.Field("data.hasMore") != (query == "?limit=1") {
			t.Errorf("%s: %s", query, got.Body)
		}
	}
	told := s.Ask("GET", runs+"/"+id.String(), nil).Is(200)
	types := ""
	for _, e := range told.Field("data.events").([]any) {
		types += " " + e.(fields)["type"].(string)
	}
	if types != " RUN_STARTED MODEL_USED ACTION_COMPLETED RUN_ENDED" || told.Field("data.events.1.data.inputTokens") != 7.0 ||
		told.Field("data.summary.counts.modelCalls") != 1.0 || told.Field("data.summary.counts.actions") != 1.0 || told.Field("data.summary.status") != queries.RunCompleted {
		t.Errorf("told: %s", told.Body)
	}
	s.Ask("GET", runs+"/99999999-9999-4999-8999-999999999999", nil).Refused(404, problem.CodeNotFound)
	s.Ask("GET", runs+"/nope", nil).Refused(400, problem.CodeInvalidID)
	s.Ask("GET", runs+"?roomId=nope", nil).Refused(400, problem.CodeInvalidID)
	s.Ask("GET", "/api/agents/99999999-9999-4999-8999-999999999999/runs", nil).Refused(404, problem.CodeNotFound)
}

// A client may say of an agent of its own that it is done, see POST /api/messaging/complete.
func TestATurnThatAClientClosesIsNoRun(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Elsewhere")
	must(t, httpapitest.Do(s.Env, commands.CompleteTurn{TurnCompleted: events.TurnCompleted{
		TurnID: uuid.New(), ChannelID: uuid.New(), AgentID: uuid.MustParse(agent), Outcome: events.TurnClosed, DurationMillis: time.Second.Milliseconds(),
	}}))
	s.CaughtUp()
	if got := s.Ask("GET", "/api/agents/"+agent+"/runs", nil).Is(200); got.Field("data.total") != 0.0 {
		t.Errorf("%s", got.Body)
	}
}
