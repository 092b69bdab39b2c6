package live

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
	"github.com/olahol/melody"

	"annals/events"
)

const (
	subscribers = 200
	// window bounds the pushes that have not reached everybody.
	window = 16
)

// Push: from publishing a fact until 200 subscribers, all of whom hear everything, have its frame. Beside it bare Melody,
// which broadcasts the same bytes, encoded beforehand.
func BenchmarkPush(b *testing.B) {
	event := events.Recorded{
		ID: uuid.New(), Event: message(uuid.New(), strings.Repeat("x", 200)),
		Meta: events.Metadata{At: time.Now().UTC(), Actor: "anonymous"},
	}
	event.Stream = streamOf(event.Event)
	b.Run("annals", func(b *testing.B) {
		w := newWorld(b)
		push(b, w.url, 2, func() string { return `{"subscribe":{}}` }, publishing(w, event))
	})
	b.Run("a filter each", func(b *testing.B) {
		w := newWorld(b)
		agent := event.Event.(events.MessageSubmitted).AuthorID.String()
		push(b, w.url, 2, func() string {
			return `{"subscribe":{"agents":["` + agent + `","` + uuid.New().String() + `"]}}`
		}, publishing(w, event))
	})
	b.Run("bare Melody", func(b *testing.B) {
		m := melody.New()
		m.Config.MaxMessageSize = maxMessage.Value
		m.HandleMessage(func(s *melody.Session, _ []byte) { _ = s.Write([]byte("{}")) })
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _ = m.HandleRequest(w, r) }))
		b.Cleanup(func() { _ = m.Close(); server.Close() })
		h := &Hub{Options: Options{Log: uuid.New()}}
		text := h.frames(&subscription{}, []*fact{newFact(event)}, 1)[0].text
		push(b, server.URL, 1, func() string { return "{}" }, func(int) { _ = m.Broadcast(text) })
	})
}

// publishing publishes the fact at ever new positions.
func publishing(w *world, event events.Recorded) func(int) {
	return func(i int) {
		event.Position = events.Position(i + 1)
		w.hub.Publish([]events.Recorded{event}, event.Position)
	}
}

// push connects the subscribers, each of which says hello and first hears so many frames of no interest, and calls publish
// as fast as they take it.
func push(b *testing.B, url string, prelude int, hello func() string, publish func(i int)) {
	b.Helper()
	sent := make([]time.Time, b.N)
	taken := make([][]time.Duration, subscribers)
	var reading sync.WaitGroup
	conns := make([]*websocket.Conn, subscribers)
	for i := range conns {
		conn, _, err := websocket.DefaultDialer.Dial(strings.Replace(url, "http", "ws", 1), nil)
		must(b, err)
		b.Cleanup(func() { _ = conn.Close() })
		must(b, conn.WriteMessage(websocket.TextMessage, []byte(hello())))
		for range prelude {
			_, _, err := conn.ReadMessage()
			must(b, err)
		}
		conns[i], taken[i] = conn, make([]time.Duration, 0, b.N)
	}
	tokens := make(chan struct{}, window)
	reached := make([]sync.WaitGroup, b.N)
	b.ReportAllocs()
	b.ResetTimer()
	for n := range reached {
		reached[n].Add(subscribers)
	}
	for i := range conns {
		reading.Go(func() {
			for n := 0; n < b.N; {
				_, text, err := conns[i].ReadMessage()
				facts := bytes.Count(text, []byte(`"stream":`)) // a frame may hold several
				if err != nil {
					b.Error(err)
					facts = b.N - n
				}
				for range facts {
					taken[i] = append(taken[i], time.Since(sent[n]))
					reached[n].Done()
					n++
				}
			}
		})
	}
	for n := range b.N {
		tokens <- struct{}{}
		sent[n] = time.Now()
		publish(n)
		go func() { reached[n].Wait(); <-tokens }()
	}
	reading.Wait()
	b.StopTimer()
	all := slices.Concat(taken...)
	slices.Sort(all)
	b.ReportMetric(float64(len(all))/b.Elapsed().Seconds(), "deliveries/s")
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
}
