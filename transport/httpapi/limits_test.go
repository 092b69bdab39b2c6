package httpapi

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

func asksForALimit(parameters []*huma.Param) bool {
	return slices.ContainsFunc(parameters, func(p *huma.Param) bool { return p.Name == "limit" })
}

// Every list has a limit. What is none is refused, what is too great is cut, and nothing asks more of the database than that.
func TestEveryLimitIsBounded(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Listed")
	bounded := 0
	s.untouched(func() {
		for path, item := range s.api.OpenAPI().Paths {
			if item.Get == nil || !asksForALimit(item.Get.Parameters) {
				continue
			}
			bounded++
			at := strings.NewReplacer("{", ":", "}", "").Replace(path)
			at = address(at, agent) + "?limit="
			for _, limit := range []string{"-1", "abc", "1.5", "99999999999999999999", "-99999999999999999999", "0x10", "%00", "1e3"} {
				isClientError(t, s.ask("GET", at+limit, nil))
			}
			for _, limit := range []int{0, 1, 1 << 31, 1<<63 - 1} {
				if got := s.ask("GET", at+strconv.Itoa(limit), nil); got.status != 200 && got.status != 404 && got.status != 400 {
					t.Errorf("%s%d: %d %s", at, limit, got.status, got.body)
				}
			}
		}
	})
	if bounded < 5 {
		t.Errorf("only %d routes have a limit", bounded)
	}
}

func TestMembersComeInPages(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Member")
	group := s.ask("POST", "/api/messaging/central-channels", fields{
		"name": "g", "server_id": "0", "participantCentralUserIds": []string{ann, unknown, agent},
	}).is(201).text("id")
	path := "/api/messaging/central-channels/" + group + "/participants"
	for query, want := range map[string]string{
		"": ann + " " + unknown + " " + agent, "?limit=2": ann + " " + unknown, "?limit=2&after=" + unknown: agent, "?before=" + unknown: ann,
	} {
		var got []string
		if a := s.ask("GET", path+query, nil).is(200).data(&got); strings.Join(got, " ") != want || a.header.Get("X-Total-Count") != "3" {
			t.Errorf("%s: %v of %s", query, got, a.header.Get("X-Total-Count"))
		}
	}
	s.ask("GET", path+"?after="+s.log.String(), nil).refused(404, problem.CodeNotFound)
	s.ask("GET", path+"?after=x", nil).refused(400, problem.CodeInvalidRequest)
	for _, list := range []string{"/api/messaging/servers/0/agents", "/api/messaging/agents/" + agent + "/servers"} {
		if total := s.ask("GET", list+"?limit=1", nil).is(200).header.Get("X-Total-Count"); total != "1" {
			t.Errorf("%s: %s in all", list, total)
		}
	}
}

// facts is a log in memory, for tests in which time is not that of the clock on the wall.
type facts struct {
	events.Store
	stuck bool // appends do not return until their caller gives up
	all   []events.Recorded
}

func (f *facts) Append(ctx context.Context, s events.StreamID, _ events.Revision, list ...events.Proposed) (events.Position, error) {
	if f.stuck {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	for _, p := range list {
		f.all = append(f.all, events.Recorded{ID: p.ID, Stream: s, Position: events.Position(len(f.all) + 1), Event: p.Event, Meta: p.Meta})
	}
	return events.Position(len(f.all)), nil
}

func (f *facts) Read(_ context.Context, s events.StreamID, _ events.Direction) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		for _, e := range f.all {
			if e.Stream == s && !yield(e, nil) {
				return
			}
		}
	}
}

// silent are agents that are never done with a message.
type silent struct{}

func (silent) Await(ctx context.Context, _ uuid.UUID, _ func(context.Context) (bool, error)) error {
	<-ctx.Done()
	return ctx.Err()
}

type atOnce struct{}

func (atOnce) Wait(context.Context, string, events.Position) error { return nil }

// ask sends one request to an API on these facts, and tells how long the answer took. It belongs into a bubble of synctest.
func (f *facts) ask(t *testing.T, path string, body fields) (answered, time.Duration) {
	t.Helper()
	keys, err := events.NewFileKeys(t.TempDir())
	must(t, err)
	env := commands.Env{Store: f, States: commands.NewStates(f)}
	o := Options{Frame: frame.Options{Shared: frame.Shared{Env: env, Codec: events.NewCodec(keys)}, Waiter: atOnce{}}}
	o.Messaging.Turns = silent{}
	listener, server := make(pipes), Server(New(o), slog.New(slog.DiscardHandler))
	go func() { _ = server.Serve(listener) }()
	client, there := net.Pipe()
	listener <- there
	began := time.Now()
	go func() {
		_, _ = fmt.Fprintf(client, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			path, len(jsonText(body)), jsonText(body))
	}()
	response, err := http.ReadResponse(bufio.NewReader(client), nil)
	must(t, err)
	raw, err := io.ReadAll(response.Body)
	must(t, err)
	took := time.Since(began)
	must(t, client.Close())
	must(t, server.Shutdown(t.Context()))
	return answered{t, "POST " + path, response.StatusCode, response.Header, raw}, took
}

func TestWhatTakesTooLongIsAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &facts{stuck: true}
		got, took := f.ask(t, "/api/messaging/servers", fields{"name": "x", "sourceType": "t"})
		if got.refused(503, problem.CodeUnavailable).header.Get("Retry-After") == "" || took != 30*time.Second {
			t.Errorf("after %v: %v %s", took, got.header, got.body)
		}
	})
}

func TestWaitingForAReplyEndsWithWhatThereIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &facts{}
		must(t, do(commands.Env{Store: f, States: commands.NewStates(f)}, commands.DefaultServer()))
		got, took := f.ask(t, chat+"/messages?wait=reply", fields{"author_id": ann, "content": "x", "server_id": "0"})
		if got.is(201).header.Get("X-Annals-Position") == "" || got.at("replies") != nil || took != time.Minute {
			t.Errorf("after %v: %v %s", took, got.header, got.body)
		}
	})
}

func TestPagesThatFollowIdsMissNothingOfOneTime(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	s := serve(t, func(o *Options) { o.Frame.Clock = func() time.Time { return noon } })
	agent := s.newAgent("Paged")
	memories := "/api/memory/agents/" + agent + "/memories"
	for _, digit := range "0123456" {
		s.ask("POST", chat+"/messages", fields{"author_id": ann, "content": string(digit), "server_id": "0"}).is(201)
		s.ask("POST", memories, fields{"text": string(digit), "roomId": agent}).is(201)
	}
	for path, said := range map[string]string{
		chat + "/messages": "messages.%d.content", memories: "memories.%d.content.text",
		"/api/agents/" + agent + "/rooms/" + agent + "/memories": "memories.%d.content.text",
	} {
		list, _, _ := strings.Cut(said, ".")
		got, before := "", ""
		for {
			found := s.ask("GET", path+"?limit=3"+before, nil).is(200)
			n := len(found.at(list).([]any))
			for i := range n {
				got += found.text(fmt.Sprintf(said, i))
				before = "&before=" + found.text(fmt.Sprintf("%s.%d.id", list, i))
			}
			if n == 0 {
				break
			}
		}
		if got != "6543210" {
			t.Errorf("%s: %s", path, got)
		}
		s.ask("GET", path+"?before="+unknown, nil).refused(404, problem.CodeNotFound)
		s.ask("GET", path+"?after=x", nil).refused(400, problem.CodeInvalidRequest)
	}
}
