package queries_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"annals/events"
	"annals/projections"
	"annals/queries"
)

func instant(t *testing.T, i queries.ISO) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, string(i))
	must(t, err)
	if !i.Time().Equal(at) {
		t.Errorf("%s is %s", i, i.Time())
	}
	return at
}

func TestAMessageIsShownInBothStylesOfTimeWithItsThoughtAmongTheMetadata(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.happened(events.MessageStream(id(11)), events.MessageSubmitted{
		MessageID: id(11), ChannelID: id(9), ServerID: id(5), AuthorID: id(1), AuthorName: "Bob", Content: "second", SourceType: "custom",
		RawMessage: json.RawMessage(`{"thought":"hm","actions":["X"],"attachments":[{"id":"1"}]}`), Metadata: json.RawMessage(`{"extra":1e308,"attachments":[]}`), InReplyTo: id(3),
	})
	m, err := g.Message(g.ctx, id(11))
	must(t, err)
	showsAs(t, m, `{"id":"0b000000-0000-4000-8000-00000000000b","channelId":"09000000-0000-4000-8000-000000000009",
		"authorId":"01000000-0000-4000-8000-000000000001","content":"second","rawMessage":{"thought":"hm","actions":["X"],"attachments":[{"id":"1"}]},
		"sourceType":"custom","metadata":{"extra":1e308,"thought":"hm","actions":["X"],"attachments":[{"id":"1"}]},
		"inReplyToRootMessageId":"03000000-0000-4000-8000-000000000003","createdAt":"2026-11-23T13:53:20.001Z",
		"updatedAt":"2026-11-23T13:53:20.001Z","created_at":1795442000001,"updated_at":1795442000001}`)
	if m.ServerID != id(5) || m.AuthorName != "Bob" || m.ByAgent {
		t.Errorf("what is not shown: %+v", m)
	}
	p := g.happened(events.MessageStream(id(11)), events.MessageEdited{MessageID: id(11), ChannelID: id(9), AuthorID: id(1), Content: "edited"})
	m, err = g.Message(g.ctx, id(11))
	must(t, err)
	if m.Content != "edited" || m.Revision != 1 || m.Position != p || m.UpdatedMillis != m.CreatedMillis+1 {
		t.Errorf("edited: %+v", m)
	}
	g.happened(events.MessageStream(id(11)), events.MessageDeleted{MessageID: id(11), ChannelID: id(9)})
	_, err = g.Message(g.ctx, id(11))
	notFound(t, err, "message 0b000000-0000-4000-8000-00000000000b not found")
}

func TestMetadataIsAnObjectWhateverWasStored(t *testing.T) {
	t.Parallel()
	g := start(t)
	for i, c := range []struct{ raw, metadata, wantRaw, want string }{
		{``, ``, `null`, `{}`},
		{`null`, `null`, `null`, `{}`},
		{`{"thought":"t"}`, ``, `{"thought":"t"}`, `{"thought":"t"}`},
		{`{"thought":null}`, `{"thought":"own"}`, `{"thought":null}`, `{"thought":null}`},
		{`{"text":"no thoughts"}`, `{"thought":"own"}`, `{"text":"no thoughts"}`, `{"thought":"own"}`},
		{`{"\u0074hought":"t"}`, `{"a":1}`, `{"thought":"t"}`, `{"a":1,"thought":"t"}`},
		{`"{\"thought\":\"t-str\",\"actions\":[]}"`, `{}`, `{"thought":"t-str","actions":[]}`, `{"thought":"t-str","actions":[]}`},
		{`"just words"`, `"just words"`, `"just words"`, `{}`},
		{`["thought"]`, `[1]`, `["thought"]`, `{}`},
		{`7`, `7`, `7`, `{}`},
	} {
		t.Run(fmt.Sprint(c.raw, c.metadata), func(t *testing.T) {
			n := byte(20 + i)
			g.happened(events.MessageStream(id(n)), events.MessageSubmitted{
				MessageID: id(n), ChannelID: id(9), Content: "c", RawMessage: json.RawMessage(c.raw), Metadata: json.RawMessage(c.metadata),
			})
			m, err := g.Message(g.ctx, id(n))
			must(t, err)
			showsAs(t, m.Metadata, c.want)
			showsAs(t, m.RawMessage, c.wantRaw)
		})
	}
}

func TestMessagesArePagedNewestFirstWithoutGapOrRepeat(t *testing.T) {
	t.Parallel()
	g := start(t)
	for n := byte(1); n <= 20; n++ {
		if n%4 != 1 {
			g.now = g.now.Add(-time.Millisecond) // four messages in each millisecond
		}
		g.said(n, fmt.Sprint(n))
	}
	var want []string
	for n := 20; n > 0; n-- {
		want = append(want, fmt.Sprint(n))
	}
	page := queries.Page{Limit: 3}
	var got []string
	for {
		found, err := g.MessagesIn(g.ctx, id(9), page)
		must(t, err)
		if len(found) == 0 {
			break
		}
		for _, m := range found {
			got = append(got, m.Content)
		}
		last := found[len(found)-1]
		page.Before, page.BeforePosition = last.CreatedMillis.Time(), last.Submitted
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("backwards: %s", diff)
	}
	page, got = queries.Page{Limit: 3, After: dawn}, nil
	for {
		found, err := g.MessagesIn(g.ctx, id(9), page)
		must(t, err)
		if len(found) == 0 {
			break
		}
		for _, m := range found {
			got = append([]string{m.Content}, got...)
		}
		if found[0].Submitted < found[len(found)-1].Submitted {
			t.Error("a page is not newest first")
		}
		page.After, page.AfterPosition = found[0].CreatedMillis.Time(), found[0].Submitted
		got = reorder(got, len(found))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("forwards: %s", diff)
	}
	within, err := g.MessagesIn(g.ctx, id(9), queries.Page{Limit: 99, After: dawn.Add(time.Millisecond), Before: dawn.Add(3 * time.Millisecond)})
	must(t, err)
	if len(within) != 4 || within[0].Content != "8" {
		t.Errorf("within two times: %+v", within)
	}
}

// A client that pages by the times that it sees gets each message, and none twice, however many are of one millisecond.
func TestPagesByTimeLoseNothingOfAMillisecond(t *testing.T) {
	t.Parallel()
	g := start(t)
	sizes := []int{1, 5, 2, 1, 7, 3}
	n := byte(0)
	for _, size := range sizes {
		for i := range size {
			if i > 0 {
				g.now = g.now.Add(-time.Millisecond)
			}
			n++
			g.said(n, fmt.Sprint(n))
		}
	}
	for limit := 1; limit < 9; limit++ {
		backwards, forwards := map[string]int{}, map[string]int{}
		for p := (queries.Page{Limit: limit, WholeMillis: true}); ; {
			found, err := g.MessagesIn(g.ctx, id(9), p)
			must(t, err)
			if len(found) == 0 {
				break
			}
			for _, m := range found {
				backwards[m.Content]++
			}
			p.Before = found[len(found)-1].CreatedMillis.Time()
		}
		for p := (queries.Page{Limit: limit, WholeMillis: true, After: dawn}); ; {
			found, err := g.MessagesIn(g.ctx, id(9), p)
			must(t, err)
			if len(found) == 0 {
				break
			}
			for i, m := range found {
				forwards[m.Content]++
				if i > 0 && found[i-1].Submitted < m.Submitted {
					t.Errorf("limit %d: a page is not newest first", limit)
				}
			}
			p.After = found[0].CreatedMillis.Time()
		}
		for i := byte(1); i <= n; i++ {
			if backwards[fmt.Sprint(i)] != 1 || forwards[fmt.Sprint(i)] != 1 {
				t.Errorf("limit %d: message %d came %d times backwards, %d times forwards", limit, i, backwards[fmt.Sprint(i)], forwards[fmt.Sprint(i)])
			}
		}
	}
}

// early notes whether a page ended early.
type early struct{ ended bool }

func (*early) Hold(int64, bool) bool { return true }
func (e *early) EndedEarly()         { e.ended = true }

func TestAPageOfTooManyOfOneMillisecondSaysThatItEndedEarly(t *testing.T) {
	t.Parallel()
	g := start(t)
	const more = queries.MaxLimit + 30
	facts := make([]events.Event, more)
	for i := range facts {
		facts[i] = events.ServerCreated{ServerID: uuid.New(), Name: "s", SourceType: "s"}
	}
	last := g.log.Record(events.ServerStream(uuid.New()), dawn, facts...)
	must(t, g.feed.Wait(g.ctx, projections.GroupCore, last))
	for limit, want := range map[int]struct {
		n     int
		ended bool
	}{more - queries.MaxLimit - 1: {more - 1, true}, more - queries.MaxLimit: {more, false}, 5: {queries.MaxLimit + 5, true}} {
		var reader early
		ctx := context.WithValue(g.ctx, queries.ReaderKey{}, &reader)
		found, total, err := g.Servers(ctx, queries.Page{Limit: limit, WholeMillis: true})
		must(t, err)
		if len(found) != want.n || total != more || reader.ended != want.ended {
			t.Errorf("limit %d: %d of %d, ended early: %v", limit, len(found), total, reader.ended)
		}
		if !reader.ended {
			continue
		}
		at, position, err := g.PlaceOf(g.ctx, queries.AServer, found[len(found)-1].ID)
		must(t, err)
		rest, _, err := g.Servers(g.ctx, queries.Page{Limit: queries.MaxLimit, After: at, AfterPosition: position})
		must(t, err)
		if len(found)+len(rest) != more {
			t.Errorf("limit %d: %d after %d", limit, len(rest), len(found))
		}
	}
}

// reorder puts the first n, which came newest first and were each put in front, back into that order.
func reorder(all []string, n int) []string {
	for i, j := 0, n-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all
}

func TestAConversationEndsAtAPosition(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.said(1, "one")
	g.said(2, "two")
	upTo := g.said(3, "three")
	g.said(4, "four")
	got, err := g.Conversation(g.ctx, id(9), upTo, 2)
	must(t, err)
	if len(got) != 2 || got[0].Content != "two" || got[1].Position != upTo || got[1].AuthorName != "Ann" || got[1].AuthorID != id(1) {
		t.Errorf("conversation: %+v", got)
	}
}

func TestTheLastOutcomeOfATurnCounts(t *testing.T) {
	t.Parallel()
	g := start(t)
	turn := events.TurnCompleted{TurnID: id(1), ChannelID: id(9), AgentID: id(2), MessageID: id(3), Outcome: events.TurnFailed, Reason: "no answer"}
	retried := turn
	retried.Outcome, retried.Reason, retried.ReplyID, retried.Model = events.TurnReplied, "", id(4), "classic"
	g.happened(events.TurnStream(id(1)), turn, retried)
	got, err := g.TurnsOf(g.ctx, id(3))
	must(t, err)
	if len(got) != 1 {
		t.Fatalf("turns: %+v", got)
	}
	showsAs(t, got[0], `{"id":"01000000-0000-4000-8000-000000000001","channelId":"09000000-0000-4000-8000-000000000009",
		"serverId":"00000000-0000-0000-0000-000000000000","agentId":"02000000-0000-4000-8000-000000000002",
		"messageId":"03000000-0000-4000-8000-000000000003","replyId":"04000000-0000-4000-8000-000000000004",
		"outcome":"replied","model":"classic","completedAt":"2026-11-23T13:53:20.002Z"}`)
}
