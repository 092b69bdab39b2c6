package httpapi

import (
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"testing"
	"time"

	"annals/queries"
	"annals/transport/problem"
)

// webClient asks as the web client of ElizaOS 1.2.0 does: every call says that it is JSON, also where it has no body, and
// carries the key where there is one.
type webClient struct {
	*fixture
	headers []string
}

func (w webClient) ask(method, path string, body any, headers ...string) answered {
	w.t.Helper()
	return w.fixture.ask(method, path, body, append(slices.Clone(w.headers), headers...)...)
}

// agent is one that runs.
func (w webClient) agent(name string) string {
	w.t.Helper()
	id := w.ask("POST", "/api/agents", fields{"characterJson": fields{"name": name, "bio": "one line"}}).is(201).text("id")
	w.ask("POST", "/api/agents/"+id+"/start", nil).is(200)
	return id
}

// asWebClient runs a test without and with a key.
func asWebClient(t *testing.T, test func(t *testing.T, w webClient)) {
	t.Helper()
	t.Parallel()
	for name, key := range map[string]string{"without a key": "", "with a key": "secret"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := webClient{fixture: serve(t, func(o *Options) { o.Frame.Key = key }), headers: []string{"Content-Type", "application/json"}}
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
		if listed := w.ask("GET", "/api/agents", nil).is(200); listed.text("agents.0.id") != agent || listed.text("agents.0.status") != queries.Active {
			t.Errorf("agents: %s", listed.body)
		}
		if shown := w.ask("GET", "/api/agents/"+agent, nil).is(200); shown.text("name") != "Ada" {
			t.Errorf("agent: %s", shown.body)
		}
		server := w.ask("GET", "/api/messaging/central-servers", nil).is(200).text("servers.0.id")
		if server != "00000000-0000-0000-0000-000000000000" {
			t.Errorf("server: %s", server)
		}
		w.ask("GET", "/api/messaging/central-servers/"+server+"/channels", nil).is(200).at("channels")
	})
}

func TestTheWebClientReadsSomeAnswersRaw(t *testing.T) {
	asWebClient(t, func(t *testing.T, w webClient) {
		agent := w.agent("Ada")
		w.options.Frame.Logger.Info("heard")
		logs := w.ask("GET", "/api/server/logs?level=", nil).is(200)
		for _, list := range []string{"logs", "levels"} {
			if all, ok := logs.field(list).([]any); !ok || len(all) == 0 {
				t.Errorf("%s at the top: %s", list, logs.body)
			}
		}
		if logs.field("count") == 0.0 || logs.field("total") == 0.0 {
			t.Errorf("counted: %s", logs.body)
		}
		if line, _ := logs.field("logs.0").(fields); line["time"] == nil || line["msg"] == nil || line["level"] == nil {
			t.Errorf("a line: %v", line)
		}
		if version := w.ask("GET", "/api/system/version", nil).is(200); version.field("version") != "1.2.3" {
			t.Errorf("version: %s", version.body)
		}
		if panels, ok := w.ask("GET", "/api/agents/"+agent+"/panels", nil).is(200).field("data").([]any); !ok || panels == nil {
			t.Error("panels are no bare array")
		}
	})
}

func TestTheCookieIsWorthTheKeyWhereTheWebClientCannotShowIt(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := serve(t, func(o *Options) {
		o.Frame.Key, o.Web.Shell, o.Frame.Clock = "secret", shellOf(t), func() time.Time { return now }
	})
	given := func(headers ...string) string {
		cookie, _, _ := strings.Cut(s.ask("GET", "/api/agents", nil, append(headers, "X-API-KEY", "secret")...).is(200).header.Get("Set-Cookie"), ";")
		return cookie
	}
	cookie := given()
	picture := s.upload(agentUploads+"/upload-media", "p.png", "image/png", pixel, "X-API-KEY", "secret").is(200).text("url")
	picture, _, _ = strings.Cut(picture, "?")
	worth := func(cookie string, status int) {
		t.Helper()
		for _, path := range []string{"/api/system/version", picture, "/api/agents"} {
			s.ask("GET", path, nil, "Cookie", cookie).is(status)
		}
		for _, path := range []string{"/ws", socketIO} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
			must(t, err)
			r.Header.Set("Cookie", cookie)
			if _, ok := s.api.Identify(r, ""); ok != (status == 200) {
				t.Errorf("%s: %v", path, ok)
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
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/api/system/version", nil)
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
		s := serve(t, func(o *Options) { o.Frame.Key = key })
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
		made := w.ask("POST", "/api/messaging/central-channels", fields{
			"name": "Chat - Jan 2, 03:04:05", "participantCentralUserIds": []string{ann, agent}, "type": "DM", "server_id": server, "metadata": metadata,
		}).is(201)
		listed := w.ask("GET", "/api/messaging/central-servers/"+server+"/channels", nil).is(200)
		found, _ := listed.at("channels.0").(fields)
		if found["id"] != made.text("id") || found["type"] != "DM" || found["name"] != "Chat - Jan 2, 03:04:05" {
			t.Fatalf("listed: %s", listed.body)
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
		path := "/api/messaging/central-channels/" + made.text("id")
		for range 4 {
			w.ask("POST", path+"/messages", fields{"author_id": ann, "content": "x", "server_id": server}).is(201)
		}
		title := w.ask("POST", path+"/generate-title", fields{"agentId": agent}).is(200).text("title")
		var participants []string
		w.ask("GET", path+"/participants", nil).is(200).data(&participants)
		w.ask("PATCH", path, fields{"name": title, "participantCentralUserIds": participants}).is(200)
		found, _ = w.ask("GET", "/api/messaging/central-servers/"+server+"/channels", nil).is(200).at("channels.0").(fields)
		var after []string
		w.ask("GET", path+"/participants", nil).is(200).data(&after)
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
			posted := w.ask("POST", chat+"/messages", fields{"author_id": author, "content": text, "server_id": "0", "metadata": more}).is(201)
			at := time.UnixMilli(int64(posted.at("created_at").(float64)))
			times = append(times, at)
			w.eventually("the next message has a time of its own", func() bool { return time.Now().UnixMilli() > at.UnixMilli() })
		}
		listed := w.ask("GET", chat+"/messages?limit=30", nil).is(200)
		if listed.text("messages.0.content") != "third" || jsonText(listed.at("messages.0.metadata.attachments")) != jsonText(attachments) ||
			listed.text("messages.1.metadata.agentName") != "Ada" || listed.text("messages.1.authorId") != agent {
			t.Errorf("listed: %s", listed.body)
		}
		ids := map[any]bool{}
		for _, m := range listed.at("messages").([]any) {
			ids[m.(fields)["id"]] = true
		}
		if len(ids) != 3 {
			t.Errorf("ids: %v", ids)
		}
		for _, before := range []string{times[1].UTC().Format("2006-01-02T15:04:05.000Z"), jsonText(times[1].UnixMilli())} {
			if page := w.ask("GET", chat+"/messages?limit=30&before="+before, nil).is(200); page.text("messages.0.content") != "first" || page.at("messages.1") != nil {
				t.Errorf("before %s: %s", before, page.body)
			}
		}
	})
}

func TestAPictureOfTheWebClientHasAnEndingThatShows(t *testing.T) {
	asWebClient(t, func(t *testing.T, w webClient) {
		for _, path := range []string{"/api/media/agents/" + ann, "/api/messaging/central-channels/" + ann} {
			body, is := form(t, "file", "p.png", "image/png", pixel)
			up := w.ask("POST", path+"/upload-media", body, "Content-Type", is).is(200)
			if url, _, _ := strings.Cut(up.text("url"), "?"); !strings.HasPrefix(url, "/media/") || !strings.HasSuffix(url, ".png") {
				t.Errorf("%s: %s", path, up.body)
			}
			w.fixture.ask("GET", up.text("url"), nil).is(200)
		}
	})
}

func TestTheWebClientChangesACharacterByWhatChanged(t *testing.T) {
	asWebClient(t, func(t *testing.T, w webClient) {
		agent := w.agent("Ada")
		path := "/api/agents/" + agent
		if shown := w.ask("GET", path, nil).is(200); shown.at("bio") != "one line" {
			t.Errorf("a bio that is a text: %s", shown.body)
		}
		w.ask("PATCH", path, fields{"id": agent, "system": "Be brief.", "settings": fields{"secrets": fields{"K": "plain"}}}).is(200)
		shown := w.ask("GET", path, nil).is(200)
		if shown.text("id") != agent || shown.text("system") != "Be brief." || shown.at("bio") != "one line" || shown.text("name") != "Ada" || shown.text("status") != queries.Active {
			t.Errorf("changed: %s", shown.body)
		}
		// It sends the secrets along as it was shown them.
		secret := shown.text("settings.secrets.K")
		w.ask("PATCH", path, fields{"id": agent, "bio": []string{"two", "lines"}, "settings": fields{"secrets": fields{"K": secret}}}).is(200)
		shown = w.ask("GET", path, nil).is(200)
		if jsonText(shown.at("bio")) != `["two","lines"]` || shown.text("settings.secrets.K") != secret || shown.text("system") != "Be brief." {
			t.Errorf("changed again: %s", shown.body)
		}
		// The id in a body names nobody else.
		w.ask("PATCH", path, fields{"id": unknown, "system": "Be long."}).is(200)
		if shown := w.ask("GET", path, nil).is(200); shown.text("system") != "Be long." || shown.text("id") != agent {
			t.Errorf("with another id: %s", shown.body)
		}
		w.ask("GET", "/api/agents/"+unknown, nil).refused(404, problem.CodeNotFound)
	})
}

func TestWhatTheWebClientDeletesIsAnsweredWithoutContent(t *testing.T) {
	asWebClient(t, func(t *testing.T, w webClient) {
		said := w.ask("POST", chat+"/messages", fields{"author_id": ann, "content": "x", "server_id": "0"}).is(201).text("id")
		for _, path := range []string{chat + "/messages/" + said, chat + "/messages", chat} {
			if gone := w.ask("DELETE", path, nil).is(204); len(gone.body) > 0 {
				t.Errorf("%s: %s", path, gone.body)
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
			if got := typesIn(w.ask("GET", "/api/agents/"+agent+"/logs"+query, nil)); !slices.Equal(got, []string{"useModel:TEXT_LARGE"}) {
				t.Errorf("%s: %v", query, got)
			}
		}
		w.options.Frame.Logger.Info("heard")
		w.options.Frame.Logger.Warn("odd")
		if all, warnings := w.ask("GET", "/api/server/logs?level=", nil).is(200), w.ask("GET", "/api/server/logs?level=warn", nil).is(200); all.field("requestedLevel") != "all" ||
			all.field("count").(float64) <= warnings.field("count").(float64) {
			t.Errorf("%v of all, %v warnings", all.field("count"), warnings.field("count"))
		}
		channel := w.ask("POST", "/api/messaging/central-channels", fields{"name": "c", "server_id": "0", "participantCentralUserIds": []string{ann, agent}}).is(201).text("id")
		memory := w.ask("POST", "/api/memory/"+agent+"/memories", fields{"text": "tea", "channelId": channel}).is(201).text("id")
		if listed := w.ask("GET", "/api/memory/"+agent+"/memories?roomId="+channel+"&tableName=messages&includeEmbedding=false", nil).is(200); listed.text("memories.0.id") != memory {
			t.Errorf("memories of the current chat: %s", listed.body)
		}
	})
}
