package httpapi_test

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
	"annals/transport/httpapi"
	"annals/transport/httpapi/frame"
	"annals/transport/httpapi/httpapitest"
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
		for path, item := range s.API.OpenAPI().Paths {
			if item.Get == nil || !asksForALimit(item.Get.Parameters) {
				continue
			}
			bounded++
			at := strings.NewReplacer("{", ":", "}", "").Replace(path)
			at = address(at, agent) + "?limit="
			for _, limit := range []string{"-1", "abc", "1.5", "99999999999999999999", "-99999999999999999999", "0x10", "%00", "1e3"} {
				isClientError(t, s.Ask("GET", at+limit, nil))
			}
			for _, limit := range []int{0, 1, 1 << 31, 1<<63 - 1} {
				if got := s.Ask("GET", at+strconv.Itoa(limit), nil); got.Status != 200 && got.Status != 404 && got.Status != 400 {
					t.Errorf("%s%d: %d %s", at, limit, got.Status, got.Body)
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
	group := s.Ask("POST", "/api/messaging/central-channels", fields{
		"name": "g", "server_id": "0", "participantCentralUserIds": []string{ann, unknown, agent},
	}).Is(201).Text("id")
	path := "/api/messaging/central-channels/" + group + "/participants"
	for query, want := range map[string]string{
		"": ann + " " + unknown + " " + agent, "?limit=2": ann + " " + unknown, "?limit=2&after=" + unknown: agent, "?before=" + unknown: ann,
	} {
		var got []string
		if a := s.Ask("GET", path+query, nil).Is(200).Data(&got); strings.Join(got, " ") != want || a.Header.Get("X-Total-Count") != "3" {
			t.Errorf("%s: %v of %s", query, got, a.Header.Get("X-Total-Count"))
		}
	}
	s.Ask("GET", path+"?after="+s.Log.String(), nil).Refused(404, problem.CodeNotFound)
	s.Ask("GET", path+"?after=x", nil).Refused(400, problem.CodeInvalidRequest)
	for _, list := range []string{"/api/messaging/servers/0/agents", "/api/messaging/agents/" + agent + "/servers"} {
		if total := s.Ask("GET", list+"?limit=1", nil).Is(200).Header.Get("X-Total-Count"); total != "1" {
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
	o := httpapi.Options{Frame: frame.Options{Shared: frame.Shared{Env: env, Codec: events.NewCodec(keys)}, Waiter: atOnce{}}}
	o.Messaging.Turns = silent{}
	listener, server := make(pipes), httpapi.Server(httpapi.New(o), slog.New(slog.DiscardHandler))
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
	return answered{T: t, What: "POST " + path, Status: response.StatusCode, Header: response.Header, Body: raw}, took
}

func TestWhatTakesTooLongIsAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &facts{stuck: true}
		got, took := f.ask(t, "/api/messaging/servers", fields{"name": "x", "sourceType": "t"})
		if got.Refused(503, problem.CodeUnavailable).Header.Get("Retry-After") == "" || took != 30*time.Second {
			t.Errorf("after %v: %v %s", took, got.Header, got.Body)
		}
	})
}

func TestWaitingForAReplyEndsWithWhatThereIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &facts{}
		must(t, httpapitest.Do(commands.Env{Store: f, States: commands.NewStates(f)}, commands.DefaultServer()))
		got, took := f.ask(t, chat+"/messages?wait=reply", fields{"author_id": ann, "content": "x", "server_id": "0"})
		if got.Is(201).Header.Get("X-Annals-Position") == "" || fmt.Sprint(got.At("replies")) != "[]" || took != time.Minute {
			t.Errorf("after %v: %v %s", took, got.Header, got.Body)
		}
	})
}

func TestPagesThatFollowIdsMissNothingOfOneTime(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	s := serve(t, func(o *httpapi.Options) { o.Frame.Clock = func() time.Time { return noon } })
	agent := s.newAgent("Paged")
	memories := "/api/memory/agents/" + agent + "/memories"
	for _, digit := range "0123456" {
		s.Ask("POST", chat+"/messages", fields{"author_id": ann, "content": string(digit), "server_id": "0"}).Is(201)
		s.Ask("POST", memories, fields{"text": string(digit), "roomId": agent}).Is(201)
	}
	for path, said := range map[string]string{
		chat + "/messages": "messages.%d.content", memories: "memories.%d.content.text",
		"/api/agents/" + agent + "/rooms/" + agent + "/memories": "memories.%d.content.text",
	} {
		list, _, _ := strings.Cut(said, ".")
		got, before := "", ""
		for {
			found := s.Ask("GET", path+"?limit=3"+before, nil).Is(200)
			n := len(found.At(list).([]any))
			for i := range n {
				got += found.Text(fmt.Sprintf(said, i))
				before = "&before=" + found.Text(fmt.Sprintf("%s.%d.id", list, i))
			}
			if n == 0 {
				break
			}
		}
		if got != "6543210" {
			t.Errorf("%s: %s", path, got)
		}
		s.Ask("GET", path+"?before="+unknown, nil).Refused(404, problem.CodeNotFound)
		s.Ask("GET", path+"?after=x", nil).Refused(400, problem.CodeInvalidRequest)
	}
}
