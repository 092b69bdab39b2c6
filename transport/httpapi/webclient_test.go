package httpapi_test

import (
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"testing"
	"time"

	"annals/queries"
	"annals/transport/httpapi"
	"annals/transport/problem"
)

// webClient asks as the web client of ElizaOS 1.2.0 does: every call says that it is JSON, also where it has no body, and
// carries the key where there is one.
type webClient struct {
	*fixture
	headers []string
}

func (w webClient) Ask(method, path string, body any, headers ...string) answered {
	w.T.Helper()
	return w.fixture.Ask(method, path, body, append(slices.Clone(w.headers), headers...)...)
}

// agent is one that runs.
func (w webClient) agent(name string) string {
	w.T.Helper()
	id := w.Ask("POST", "/api/agents", fields{"characterJson": fields{"name": name, "bio": "one line"}}).Is(201).Text("id")
	w.Ask("POST", "/api/agents/"+id+"/start", nil).Is(200)
	return id
}

// asWebClient runs a test without and with a key.
func asWebClient(t *testing.T, test func(t *testing.T, w webClient)) {
	t.Helper()
	t.Parallel()
	for name, key := range map[string]string{"without a key": "", "with a key": "secret"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := webClient{fixture: serve(t, func(o *httpapi.Options) { o.Frame.Key = key }), headers: []string{"Content-Type", "application/json"}}
			if key != "" {
				w.headers = append(w.headers, "X-API-KEY", key)
			}
			test(t, w)
		})
	}
}

func TestTheWebClientFindsAllThatItAsksForAtItsStart(t *testing.T) {
	asWebClient(t, func(t *testing.T, w webClient) {
		agent := w.agent("Ada")
		if listed := w.Ask("GET", "/api/agents", nil).Is(200); listed.Text("agents.0.id") != agent || listed.Text("agents.0.status") != queries.Active {
			t.Errorf("agents: %s", listed.Body)
		}
		if shown := w.Ask("GET", "/api/agents/"+agent, nil).Is(200); shown.Text("name") != "Ada" {
			t.Errorf("agent: %s", shown.Body)
		}
		server := w.Ask("GET", "/api/messaging/central-servers", nil).Is(200).Text("servers.0.id")
		if server != "00000000-0000-0000-0000-000000000000" {
			t.Errorf("server: %s", server)
		}
		w.Ask("GET", "/api/messaging/central-servers/"+server+"/channels", nil).Is(200).At("channels")
	})
}

func TestTheWebClientReadsSomeAnswersRaw(t *testing.T) {
	asWebClient(t, func(t *testing.T, w webClient) {
		agent := w.agent("Ada")
		w.Options.Frame.Logger.Info("heard")
		logs := w.Ask("GET", "/api/server/logs?level=", nil).Is(200)
		for _, list := range []string{"logs", "levels"} {
			if all, ok := logs.Field(list).([]any); !ok || len(all) == 0 {
				t.Errorf("%s at the top: %s", list, logs.Body)
			}
		}
		if logs.Field("count") == 0.0 || logs.Field("total") == 0.0 {
			t.Errorf("counted: %s", logs.Body)
		}
		if line, _ := logs.Field("logs.0").(fields); line["time"] == nil || line["msg"] == nil || line["level"] == nil {
			t.Errorf("a line: %v", line)
		}
		if version := w.Ask("GET", "/api/system/version", nil).Is(200); version.Field("version") != "1.2.3" {
			t.Errorf("version: %s", version.Body)
		}
		if panels, ok := w.Ask("GET", "/api/agents/"+agent+"/panels", nil).Is(200).Field("data").([]any); !ok || panels == nil {
			t.Error("panels are no bare array")
		}
	})
}

func TestTheCookieIsWorthTheKeyWhereTheWebClientCannotShowIt(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := serve(t, func(o *httpapi.Options) {
		o.Frame.Key, o.Web.Shell, o.Frame.Clock = "secret", shellOf(t), func() time.Time { return now }
	})
	given := func(headers ...string) string {
		cookie, _, _ := strings.Cut(s.Ask("GET", "/api/agents", nil, append(headers, "X-API-KEY", "secret")...).Is(200).Header.Get("Set-Cookie"), ";")
		return cookie
	}
	cookie := given()
	s.uploader()
	picture := s.upload(agentUploads+"/upload-media", "p.png", "image/png", pixel, "X-API-KEY", "secret").Is(200).Text("url")
	picture, _, _ = strings.Cut(picture, "?")
	worth := func(cookie string, status int) {
		t.Helper()
		for _, path := range []string{"/api/system/version", picture, "/api/agents"} {
			s.Ask("GET", path, nil, "Cookie", cookie).Is(status)
		}
		for _, path := range []string{"/ws", socketIO} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
			must(t, err)
			r.Header.Set("Cookie", cookie)
			if _, err := s.API.Identify(r, ""); (err == nil) != (status == 200) {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	worth(cookie, 200)
	if again := given("Cookie", cookie); again != "" {
		t.Errorf("a fresh cookie is given again: %s", again)
	}
	now = now.Add(24*time.Hour - time.Minute)
	worth(cookie, 200)
	if again := given("Cookie", cookie); again == "" || again == cookie {
		t.Error("a cookie that is about to expire is not renewed")
	}
	now = now.Add(time.Minute)
	worth(cookie, 401)
	worth(given(), 200)
	name, value, _ := strings.Cut(cookie, "=")
	_, signature, _ := strings.Cut(value, ".")
	worth(name+"=9999999999."+signature, 401)
}

func TestServersBesideEachOtherDoNotTakeAwayTheirCookies(t *testing.T) {
	t.Parallel()
	jar, err := cookiejar.New(nil)
	must(t, err)
	browser := http.Client{Jar: jar}
	var servers []*fixture
	status := func(s *fixture, key string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/api/system/version", nil)
		must(t, err)
		if key != "" {
			r.Header.Set("X-Api-Key", key)
		}
		answer, err := browser.Do(r)
		must(t, err)
		must(t, answer.Body.Close())
		return answer.StatusCode
	}
	for _, key := range []string{"one", "two"} { // both on 127.0.0.1
		s := serve(t, func(o *httpapi.Options) { o.Frame.Key = key })
		if got := status(s, key); got != 200 {
			t.Fatalf("with the key %s: %d", key, got)
		}
		servers = append(servers, s)
	}
	for i, s := range servers {
		if got := status(s, ""); got != 200 {
			t.Errorf("with the cookie of server %d: %d", i+1, got)
		}
	}
}

func TestTheWebClientFindsItsChatsByTheirMetadata(t *testing.T) {
	asWebClient(t, func(t *testing.T, w webClient) {
		agent := w.agent("Ada")
		metadata := fields{"isDm": true, "user1": ann, "user2": agent, "forAgent": agent, "createdAt": "2026-01-02T03:04:05.678Z"}
		const server = "00000000-0000-0000-0000-000000000000"
		made := w.Ask("POST", "/api/messaging/central-channels", fields{
			"name": "Chat - Jan 2, 03:04:05", "participantCentralUserIds": []string{ann, agent}, "type": "DM", "server_id": server, "metadata": metadata,
		}).Is(201)
		listed := w.Ask("GET", "/api/messaging/central-servers/"+server+"/channels", nil).Is(200)
		found, _ := listed.At("channels.0").(fields)
		if found["id"] != made.Text("id") || found["type"] != "DM" || found["name"] != "Chat - Jan 2, 03:04:05" {
			t.Fatalf("listed: %s", listed.Body)
		}
		for _, field := range []string{"createdAt", "updatedAt"} { // it shows the newest first
			if _, err := time.Parse(time.RFC3339, found[field].(string)); err != nil {
				t.Errorf("%s: %v", field, err)
			}
		}
		if got := jsonText(found["metadata"]); got != jsonText(metadata) {
			t.Errorf("the metadata comes back as %s", got)
		}

		// After the first answers the chat is given a name, and keeps the rest.
		path := "/api/messaging/central-channels/" + made.Text("id")
		for range 4 {
			w.Ask("POST", path+"/messages", fields{"author_id": ann, "content": "x", "server_id": server}).Is(201)
		}
		title := w.Ask("POST", path+"/generate-title", fields{"agentId": agent}).Is(200).Text("title")
		var participants []string
		w.Ask("GET", path+"/participants", nil).Is(200).Data(&participants)
		w.Ask("PATCH", path, fields{"name": title, "participantCentralUserIds": participants}).Is(200)
		found, _ = w.Ask("GET", "/api/messaging/central-servers/"+server+"/channels", nil).Is(200).At("channels.0").(fields)
		var after []string
		w.Ask("GET", path+"/participants", nil).Is(200).Data(&after)
		if found["name"] != title || jsonText(found["metadata"]) != jsonText(metadata) || !slices.Equal(after, []string{ann, agent}) {
			t.Errorf("named: %v, with %v", found, after)
		}
	})
}

func TestTheWebClientReadsAHistoryBackwards(t *testing.T) {
	asWebClient(t, func(t *testing.T, w webClient) {
		attachments := []fields{{"id": "1", "url": "https://pictures.example/a.png", "title": "a.png", "source": "file_upload", "contentType": "image"}}
		agent := w.agent("Ada")
		var times []time.Time
		for i, text := range []string{"first", "second", "third"} {
			author, more := ann, fields{"attachments": attachments}
			if i == 1 {
				author, more = agent, fields{"agentName": "Ada"}
			}
			posted := w.Ask("POST", chat+"/messages", fields{"author_id": author, "content": text, "server_id": "0", "metadata": more}).Is(201)
			at := time.UnixMilli(int64(posted.At("created_at").(float64)))
			times = append(times, at)
			w.Eventually("the next message has a time of its own", func() bool { return time.Now().UnixMilli() > at.UnixMilli() })
		}
		listed := w.Ask("GET", chat+"/messages?limit=30", nil).Is(200)
		if listed.Text("messages.0.content") != "third" || jsonText(listed.At("messages.0.metadata.attachments")) != jsonText(attachments) ||
			listed.Text("messages.1.metadata.agentName") != "Ada" || listed.Text("messages.1.authorId") != agent {
			t.Errorf("listed: %s", listed.Body)
		}
		ids := map[any]bool{}
		for _, m := range listed.At("messages").([]any) {
			ids[m.(fields)["id"]] = true
		}
		if len(ids) != 3 {
			t.Errorf("ids: %v", ids)
		}
		for _, before := range []string{times[1].UTC().Format("2006-01-02T15:04:05.000Z"), jsonText(times[1].UnixMilli())} {
			if page := w.Ask("GET", chat+"/messages?limit=30&before="+before, nil).Is(200); page.Text("messages.0.content") != "first" || page.At("messages.1") != nil {
				t.Errorf("before %s: %s", before, page.Body)
			}
		}
	})
}

func TestAPictureOfTheWebClientHasAnEndingThatShows(t *testing.T) {
	asWebClient(t, func(t *testing.T, w webClient) {
		w.uploader()
		for _, path := range []string{"/api/media/agents/" + ann, "/api/messaging/central-channels/" + ann} {
			body, is := form(t, "file", "p.png", "image/png", pixel)
			up := w.Ask("POST", path+"/upload-media", body, "Content-Type", is).Is(200)
			if url, _, _ := strings.Cut(up.Text("url"), "?"); !strings.HasPrefix(url, "/media/") || !strings.HasSuffix(url, ".png") {
				t.Errorf("%s: %s", path, up.Body)
			}
			w.fixture.Ask("GET", up.Text("url"), nil).Is(200)
		}
	})
}

func TestTheWebClientChangesACharacterByWhatChanged(t *testing.T) {
	asWebClient(t, func(t *testing.T, w webClient) {
		agent := w.agent("Ada")
		path := "/api/agents/" + agent
		if shown := w.Ask("GET", path, nil).Is(200); shown.At("bio") != "one line" {
			t.Errorf("a bio that is a text: %s", shown.Body)
		}
		w.Ask("PATCH", path, fields{"id": agent, "system": "Be brief.", "settings": fields{"secrets": fields{"K": "plain"}}}).Is(200)
		shown := w.Ask("GET", path, nil).Is(200)
		if shown.Text("id") != agent || shown.Text("system") != "Be brief." || shown.At("bio") != "one line" || shown.Text("name") != "Ada" || shown.Text("status") != queries.Active {
			t.Errorf("changed: %s", shown.Body)
		}
		// It sends the secrets along as it was shown them.
		secret := shown.Text("settings.secrets.K")
		w.Ask("PATCH", path, fields{"id": agent, "bio": []string{"two", "lines"}, "settings": fields{"secrets": fields{"K": secret}}}).Is(200)
		shown = w.Ask("GET", path, nil).Is(200)
		if jsonText(shown.At("bio")) != `["two","lines"]` || shown.Text("settings.secrets.K") != secret || shown.Text("system") != "Be brief." {
			t.Errorf("changed again: %s", shown.Body)
		}
		// The id in a body names nobody else.
		w.Ask("PATCH", path, fields{"id": unknown, "system": "Be long."}).Is(200)
		if shown := w.Ask("GET", path, nil).Is(200); shown.Text("system") != "Be long." || shown.Text("id") != agent {
			t.Errorf("with another id: %s", shown.Body)
		}
		w.Ask("GET", "/api/agents/"+unknown, nil).Refused(404, problem.CodeNotFound)
	})
}

func TestWhatTheWebClientDeletesIsAnsweredWithoutContent(t *testing.T) {
	asWebClient(t, func(t *testing.T, w webClient) {
		said := w.Ask("POST", chat+"/messages", fields{"author_id": ann, "content": "x", "server_id": "0"}).Is(201).Text("id")
		for _, path := range []string{chat + "/messages/" + said, chat + "/messages", chat} {
			if gone := w.Ask("DELETE", path, nil).Is(204); len(gone.Body) > 0 {
				t.Errorf("%s: %s", path, gone.Body)
			}
		}
	})
}

func TestTheWebClientsQueriesAreUnderstood(t *testing.T) {
	asWebClient(t, func(t *testing.T, w webClient) {
		agent := w.agent("Ada")
		w.did(agent, "useModel:TEXT_EMBEDDING", `{"modelType":"TEXT_EMBEDDING"}`)
		w.did(agent, "useModel:TEXT_LARGE", `{"modelType":"TEXT_LARGE"}`)
		for _, query := range []string{"?count=50&excludeTypes=embedding,text_embedding", "?excludeTypes=embedding&excludeTypes=text_embedding"} {
			if got := typesIn(w.Ask("GET", "/api/agents/"+agent+"/logs"+query, nil)); !slices.Equal(got, []string{"useModel:TEXT_LARGE"}) {
				t.Errorf("%s: %v", query, got)
			}
		}
		w.Options.Frame.Logger.Info("heard")
		w.Options.Frame.Logger.Warn("odd")
		if all, warnings := w.Ask("GET", "/api/server/logs?level=", nil).Is(200), w.Ask("GET", "/api/server/logs?level=warn", nil).Is(200); all.Field("requestedLevel") != "all" ||
			all.Field("count").(float64) <= warnings.Field("count").(float64) {
			t.Errorf("%v of all, %v warnings", all.Field("count"), warnings.Field("count"))
		}
		channel := w.Ask("POST", "/api/messaging/central-channels", fields{"name": "c", "server_id": "0", "participantCentralUserIds": []string{ann, agent}}).Is(201).Text("id")
		memory := w.Ask("POST", "/api/memory/"+agent+"/memories", fields{"text": "tea", "channelId": channel}).Is(201).Text("id")
		if listed := w.Ask("GET", "/api/memory/"+agent+"/memories?roomId="+channel+"&tableName=messages&includeEmbedding=false", nil).Is(200); listed.Text("memories.0.id") != memory {
			t.Errorf("memories of the current chat: %s", listed.Body)
		}
	})
}
