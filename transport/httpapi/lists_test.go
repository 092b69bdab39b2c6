package httpapi_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"annals/transport/httpapi"
	"annals/transport/httpapi/server"
)

// shortLists are bounded by what they are about: they hold what this build or one request consists of, or the most of a kind.
var shortLists = []string{
	"/api/agents/{agentId}/panels", "/api/agents/{agentId}/runs/{runId}", "/api/history/messages/{id}/why", "/api/history/turns/{id}/why",
	"/api/history/verification",
	"/api/server/debug/metrics",
	"/api/server/debug/state", "/api/server/health", "/health", "/api/system/version", "/api/system/capabilities", "/insights", "/stats",
}

func TestEveryListHasALimit(t *testing.T) {
	t.Parallel()
	described := httpapi.New(httpapi.Options{}).OpenAPI()
	schemas := described.Components.Schemas
	resolved := func(s *huma.Schema) *huma.Schema {
		if s != nil && s.Ref != "" {
			return schemas.SchemaFromRef(s.Ref)
		}
		return s
	}
	lists := 0
	for path, item := range described.Paths {
		if item.Get == nil || item.Get.Responses["200"] == nil || item.Get.Responses["200"].Content["application/json"] == nil {
			continue
		}
		// A list is the data, or a member of it that holds objects or ids: not a detail of one thing.
		data := resolved(resolved(item.Get.Responses["200"].Content["application/json"].Schema).Properties["data"])
		if data == nil || path == "/api/agents/{agentId}" || strings.HasSuffix(path, "/memories/{memoryId}") || strings.HasSuffix(path, "/documents/{documentId}") {
			continue
		}
		of := []*huma.Schema{data}
		for _, member := range data.Properties {
			of = append(of, resolved(member))
		}
		if !slices.ContainsFunc(of, func(s *huma.Schema) bool { return s != nil && s.Type == huma.TypeArray }) {
			continue
		}
		lists++
		short := slices.ContainsFunc(shortLists, func(end string) bool { return strings.HasSuffix(path, end) })
		if short == asksForALimit(item.Get.Parameters) {
			t.Errorf("%s: short: %t, with a limit: %t", path, short, !short)
		}
	}
	if lists < 40 {
		t.Errorf("only %d lists", lists)
	}
}

func TestGroupsComeInPages(t *testing.T) {
	t.Parallel()
	s := serve(t)
	var worlds, times []string
	for i := range 3 {
		world, agent := uuid.New().String(), s.newAgent(fmt.Sprint("Mnemosyne ", i))
		s.Ask("POST", "/api/memory/groups/0", fields{"name": fmt.Sprint("g", i), "worldId": world, "agentIds": []string{agent}}).Is(201)
		worlds = append(worlds, world)
	}
	listed := func(query string) (ids []string) {
		a := s.Ask("GET", "/api/memory/groups?"+query, nil).Is(200)
		if total := a.Header.Get("X-Total-Count"); total != "3" {
			t.Errorf("%s: %s in all", query, total)
		}
		var data struct {
			Groups []struct{ ID, CreatedAt string }
		}
		a.Data(&data)
		times = nil
		for _, g := range data.Groups {
			ids, times = append(ids, g.ID), append(times, g.CreatedAt)
		}
		return ids
	}
	if all := listed(""); !slices.Equal(all, worlds) {
		t.Errorf("all are %v, not %v", all, worlds)
	}
	at := slices.Clone(times)
	if len(at) != 3 {
		t.FailNow()
	}
	for query, want := range map[string][]string{
		"limit=2": worlds[:2], "limit=1&after=" + at[0]: worlds[1:2], "before=" + at[2]: worlds[:2], "limit=1&before=" + at[2]: worlds[1:2],
	} {
		if got := listed(query); !slices.Equal(got, want) {
			t.Errorf("%s: %v, not %v", query, got, want)
		}
	}
}

// someParked are events that a reaction gave up.
type someParked struct {
	server.Parked
	all []server.ParkedEvent
}

func (p someParked) List(context.Context, string) ([]server.ParkedEvent, error) { return p.all, nil }

func TestParkedEventsComeInPages(t *testing.T) {
	t.Parallel()
	var ids []string
	p := someParked{}
	for range 3 {
		e := server.ParkedEvent{
			ID: uuid.New(), Group: "reply", Type: "MessageSubmitted", At: "2026-11-23T13:53:20.449Z", ParkedAt: "2026-11-23T13:53:21.449Z", Reason: "no answer",
		}
		p.all, ids = append(p.all, e), append(ids, e.ID.String())
	}
	s := serve(t, func(o *httpapi.Options) { o.Server.Parked = p })
	for query, want := range map[string][]string{
		"": ids, "limit=2": ids[:2], "limit=1&after=" + ids[0]: ids[1:2], "after=" + ids[2]: nil, "after=" + unknown: ids,
	} {
		a := s.Ask("GET", "/api/server/parked?"+query, nil).Is(200)
		var page struct{ Parked []struct{ ID string } }
		a.Data(&page)
		var got []string
		for _, e := range page.Parked {
			got = append(got, e.ID)
		}
		if !slices.Equal(got, want) || a.At("count") != 3.0 || a.Header.Get("X-Total-Count") != "3" {
			t.Errorf("%q: %v, not %v, of %s", query, got, want, a.Body)
		}
	}
}
