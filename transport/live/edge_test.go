package live

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"annals/events"
	"annals/transport/httpapi"
	"annals/transport/httpapi/httpapitest"
)

// refused fails the test unless an answer is that error, as the API's description has it.
func refused(t *testing.T, res *http.Response, status int, code string) {
	t.Helper()
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	must(t, err)
	must(t, httpapitest.Described().Check(http.MethodGet, "/ws", res.StatusCode, res.Header.Get("Content-Type"), raw))
	var body struct {
		Success *bool
		Error   refusal
	}
	if err := json.Unmarshal(raw, &body); err != nil || body.Success == nil || *body.Success ||
		body.Error.Code != code || body.Error.Message == "" || res.StatusCode != status {
		t.Errorf("answered %d %+v (%v), not %d %s", res.StatusCode, body, err, status, code)
	}
}

func (w *world) try(header http.Header, query string) (*websocket.Conn, *http.Response) {
	conn, res, _ := websocket.DefaultDialer.Dial(strings.Replace(w.url, "http", "ws", 1)+query, header)
	if conn != nil {
		w.t.Cleanup(func() { _ = conn.Close() })
	}
	return conn, res
}

func TestAFilteredClientsPositionAdvancesToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.Heartbeat = 10 * time.Millisecond })
	c, _ := w.watch(`{"id":"a","subscribe":{"types":["LogOpened"]}}`)
	p := w.token(w.push(message(uuid.New(), "one")))
	for {
		h := c.next()
		if h.Events == nil || len(h.Events) > 0 || h.ID != "a" {
			t.Fatalf("heard %s", h.raw)
		}
		if h.Position == p {
			break
		}
	}
	// From there on, nothing is said twice.
	_, replayed := w.watch(`{"subscribe":{},"after":"` + p + `"}`)
	if len(positions(replayed...)) > 0 {
		t.Errorf("replayed %+v", replayed)
	}
}

func TestAReplayInWhichNothingFitsShowsThatItGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.Heartbeat = time.Nanosecond })
	for range 2 * stretchEvents {
		w.record(message(uuid.New(), "one"))
	}
	w.publish()
	_, replayed := w.watch(`{"subscribe":{"channels":["` + uuid.New().String() + `"]},"after":"` + w.token(0) + `"}`)
	if len(replayed) < 3 || replayed[0].Position == "" || len(positions(replayed...)) > 0 {
		t.Errorf("heard %+v", replayed)
	}
}

func TestAClientThatAnswersPingsStaysAndOneThatDoesNotIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.Ping, o.Heartbeat = time.Second, time.Hour })
	alive, _ := w.watch(`{"subscribe":{}}`)
	dead, _ := w.watch(`{"subscribe":{}}`)
	var pings atomic.Int32
	answer := alive.conn.PingHandler()
	alive.conn.SetPingHandler(func(data string) error {
		if pings.Add(1) == 3 { // longer than silence is borne with
			go w.push(message(uuid.New(), "still there?"))
		}
		return answer(data)
	})
	dead.conn.SetPingHandler(func(string) error { return nil })
	gone := make(chan error, 1)
	go func() {
		_, err := dead.read()
		gone <- err
	}()
	if h := alive.next(); len(h.Events) != 1 {
		t.Errorf("heard %s", h.raw)
	}
	if err := <-gone; err == nil {
		t.Error("the silent one heard something")
	}
}

func TestConnectionsHaveALimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.Connections = 2 })
	first, _ := w.watch(`{"subscribe":{}}`)
	w.watch(`{"subscribe":{}}`)
	_, res := w.try(nil, "")
	refused(t, res, http.StatusTooManyRequests, "RATE_LIMITED")
	if res.Header.Get("Retry-After") == "" {
		t.Error("it is not said when to come back")
	}
	must(t, first.conn.Close())
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if conn, res := w.try(nil, ""); conn != nil {
			break
		} else if res == nil || time.Now().After(end) {
			t.Fatal("nobody takes the place of who has left")
		}
	}
	must(t, w.hub.Close())
	_, res = w.try(nil, "")
	refused(t, res, http.StatusServiceUnavailable, "UNAVAILABLE")
}

func TestWhatIsNoWebSocketOrComesFromAForeignPageIsRefusedInJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res, err := http.Get(w.url)
	must(t, err)
	refused(t, res, http.StatusBadRequest, "INVALID_REQUEST")
	_, res = w.try(http.Header{"Origin": {"https://elsewhere.example"}}, "")
	refused(t, res, http.StatusForbidden, "FORBIDDEN")
	if conn, _ := w.try(http.Header{"Origin": {strings.TrimSuffix(w.url, "/ws")}}, ""); conn == nil {
		t.Error("a page of the server itself is refused")
	}
}

func TestBehindAKeyOnlyWhoShowsItIsLetIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := httpapi.Options{Sockets: map[string]http.Handler{"/ws": w.hub}}
	o.Frame.Logger, o.Frame.Key = w.hub.Logger, "s3cret"
	api := httpapitest.Start(t, o)
	w.url = api + "/ws"
	cookie := exchanged(t, api)
	for _, c := range []struct {
		header http.Header
		query  string
		in     bool
	}{
		{nil, "", false},
		{nil, "?apiKey=other", false},
		{http.Header{"X-Api-Key": {"other"}}, "", false},
		{nil, "?apiKey=s3cret", true},
		{http.Header{"X-Api-Key": {"s3cret"}}, "", true},
		{http.Header{"Authorization": {"Bearer s3cret"}}, "", true},
		{http.Header{"Cookie": {cookie}}, "", true},
		{http.Header{"Cookie": {cookie + "0"}}, "", false},
	} {
		conn, res := w.try(c.header, c.query)
		if c.in != (conn != nil) {
			t.Errorf("%v %s: let in: %t", c.header, c.query, conn != nil)
		}
		if !c.in {
			refused(t, res, http.StatusUnauthorized, "AUTH_REQUIRED")
		}
	}
}

// exchanged is the cookie that a browser has once it showed the key.
func exchanged(t *testing.T, url string) string {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/api/server/ping", nil)
	must(t, err)
	q.Header.Set("X-Api-Key", "s3cret")
	res, err := http.DefaultClient.Do(q)
	must(t, err)
	must(t, res.Body.Close())
	cookie, _, _ := strings.Cut(res.Header.Get("Set-Cookie"), ";")
	return cookie
}

func TestPagesThatMayCallMayConnect(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.Origin = func(*http.Request) bool { return true } })
	for _, c := range []struct {
		key, origin string
		in          bool
	}{
		{"", "http://localhost:5173", true},
		{"", "https://named.example", true},
		{"", "https://elsewhere.example", false},
		{"", "null", false},
		{"s3cret", "http://localhost:5173", false},
		{"s3cret", "https://named.example", true},
		{"s3cret", "", true}, // the server's own
	} {
		o := httpapi.Options{Sockets: map[string]http.Handler{"/ws": w.hub}}
		o.Frame.Logger, o.Frame.Key, o.Frame.CORSOrigin = w.hub.Logger, c.key, "https://named.example"
		api := httpapitest.Start(t, o)
		w.url = api + "/ws"
		if c.origin == "" {
			c.origin = api
		}
		conn, res := w.try(http.Header{"Origin": {c.origin}}, "?apiKey="+c.key)
		if c.in != (conn != nil) {
			t.Errorf("%+v: let in: %t", c, conn != nil)
		}
		if !c.in {
			refused(t, res, http.StatusForbidden, "FORBIDDEN")
		}
	}
}

func TestEveryEventIsAboutTheChannelAndTheAgentsThatItNames(t *testing.T) {
	t.Parallel()
	a, b, c := uuid.New(), uuid.New(), uuid.New()
	for _, e := range []events.Event{
		events.ParticipantJoined{ChannelID: c, ParticipantID: a},
		events.MessageEdited{ChannelID: c, AuthorID: a},
		events.ChannelCreated{ChannelID: c, Participants: []uuid.UUID{a, b}},
		events.TurnCompleted{ChannelID: c, AgentID: a},
		events.MessageSubmitted{ChannelID: c, AuthorID: b, Audience: []uuid.UUID{a}},
	} {
		about := newFact(events.Recorded{Event: e})
		if f := (Filter{Channels: []uuid.UUID{c}, Agents: []uuid.UUID{a}}); !f.fits(about) {
			t.Errorf("%T does not fit", e)
		}
		if f := (Filter{Channels: []uuid.UUID{a}}); f.fits(about) {
			t.Errorf("%T fits another channel", e)
		}
	}
}

// plant fills a value with secrets wherever it can hold one.
func plant(v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[events.Secret]():
		v.Set(reflect.ValueOf(events.NewSecret([]byte(`"hidden-value"`))))
	case v.Type() == reflect.TypeFor[[]byte]():
		v.SetBytes([]byte("hidden vector"))
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for i := range v.NumField() {
			plant(v.Field(i))
		}
	case v.Kind() == reflect.Slice && v.Type() != reflect.TypeFor[json.RawMessage]():
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		plant(v.Index(0))
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		plant(v.Elem())
	case v.Kind() == reflect.Map:
		value := reflect.New(v.Type().Elem()).Elem()
		plant(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.Zero(v.Type().Key()), value)
	}
}

func TestNoTypeOfEventShowsASecretOrAVector(t *testing.T) {
	t.Parallel()
	all := events.Catalogue()
	nested := struct {
		A struct {
			B []map[string]events.Secret
			C *events.Secret
			D string
		}
	}{}
	plant(reflect.ValueOf(&nested).Elem())
	conceal(reflect.ValueOf(&nested).Elem())
	if nested.A.B != nil || nested.A.C != nil {
		t.Errorf("shown: %+v", nested)
	}
	for _, e := range all {
		v := reflect.New(reflect.TypeOf(e)).Elem()
		plant(v)
		planted, ok := v.Interface().(events.Event)
		if !ok {
			t.Fatalf("%T is no event any more", e)
		}
		text, err := json.Marshal(public(planted))
		must(t, err)
		if strings.Contains(string(text), "hidden-value") || strings.Contains(string(text), base64.StdEncoding.EncodeToString([]byte("hidden vector"))) {
			t.Errorf("%s shows %s", e.EventType(), text)
		}
	}
}
