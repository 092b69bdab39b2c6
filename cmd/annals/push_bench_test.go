package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/olahol/melody"
)

// BenchmarkPush posts messages, no more than 16 of which have not reached everybody, and tells how long it takes from POST
// until each of 200 subscribers, who hear everything, has the frame. Beside it bare Melody, which broadcasts what is posted
// and records nothing.
func BenchmarkPush(b *testing.B) {
	s := inside(b, nil)
	channel := s.channel(b, "GROUP")
	bare := bareMelody(b)
	post := func(ctx context.Context, content string) error {
		_, a, err := s.post(ctx, channel, content)
		if err == nil && a.status != http.StatusCreated {
			err = fmt.Errorf("%d %s", a.status, a.body)
		}
		return err
	}
	for b.Loop() {
		bareRate, bareTook := broadcasts(b, "ws"+strings.TrimPrefix(bare.base, "http"), func(ctx context.Context, content string) error {
			_, err := bare.call(ctx, http.MethodPost, "/", content)
			return err
		})
		rate, took := broadcasts(b, "ws"+strings.TrimPrefix(s.base, "http")+"/ws", post)
		b.ReportMetric(rate, "deliveries/s")
		b.ReportMetric(bareRate, "bare-deliveries/s")
		b.ReportMetric(millis(took, 50), "p50-ms")
		b.ReportMetric(millis(bareTook, 50), "bare-p50-ms")
		b.ReportMetric(millis(took, 99), "p99-ms")
		b.ReportMetric(millis(bareTook, 99), "bare-p99-ms")
	}
	b.ReportMetric(0, "ns/op")
}

// bareMelody broadcasts what is posted in a frame as large as one of ours.
func bareMelody(b *testing.B) *client {
	b.Helper()
	m := melody.New()
	m.HandleMessage(func(s *melody.Session, _ []byte) { _ = s.Write([]byte(`{"caughtUp":"here"}`)) })
	around := strings.Repeat("x", 600)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_ = m.HandleRequest(w, r)
			return
		}
		content, err := io.ReadAll(r.Body)
		if err == nil {
			err = m.Broadcast([]byte(`{"around":"` + around + `","content":` + string(content) + `}`))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	b.Cleanup(func() { _ = m.Close(); server.Close() })
	return newClient(server.URL)
}

// broadcasts posts for a while, and gives the deliveries a second and the sorted times of all of them.
func broadcasts(b *testing.B, url string, post func(ctx context.Context, content string) error) (perSecond float64, took []time.Duration) {
	b.Helper()
	const most = 1 << 16
	var (
		sent    [most]time.Time
		heard   [most]atomic.Int32
		window  = make(chan struct{}, inFlight)
		reading sync.WaitGroup
		posting sync.WaitGroup
		mu      sync.Mutex
	)
	var subscribers []*websocket.Conn
	for range listeners {
		conn := subscribed(b, url)
		subscribers = append(subscribers, conn)
		reading.Go(func() {
			var mine []time.Duration
			eachHeard(conn, func(n int) {
				mine = append(mine, time.Since(sent[n]))
				if heard[n].Add(1) == listeners {
					<-window
				}
			})
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
		})
	}
	begun := time.Now()
	n := 0
	for ; n < most && time.Since(begun) < measured; n++ {
		window <- struct{}{}
		sent[n] = time.Now()
		content := strconv.Itoa(n)
		posting.Go(func() {
			if err := post(b.Context(), content); err != nil {
				b.Error(err)
			}
		})
	}
	posting.Wait()
	eventually(b, 30*time.Second, "all of it is delivered", func() bool { return len(window) == 0 })
	perSecond = float64(n*listeners) / time.Since(begun).Seconds()
	for _, conn := range subscribers {
		_ = conn.Close()
	}
	reading.Wait()
	slices.Sort(took)
	return perSecond, took
}

// subscribed is a connection that hears everything from now on.
func subscribed(b *testing.B, url string) *websocket.Conn {
	b.Helper()
	conn, res, err := websocket.DefaultDialer.DialContext(b.Context(), url, nil)
	if err != nil {
		b.Fatal(err)
	}
	_ = res.Body.Close()
	if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"subscribe":{"types":["MessageSubmitted"]}}`)); err != nil {
		b.Fatal(err)
	}
	for text := []byte(nil); !bytes.Contains(text, []byte(`"caughtUp"`)); {
		if _, text, err = conn.ReadMessage(); err != nil {
			b.Fatal(err)
		}
	}
	return conn
}

// eachHeard tells the number that each message consists of, until the connection ends.
func eachHeard(conn *websocket.Conn, hear func(n int)) {
	var frame bytes.Buffer
	for {
		_, r, err := conn.NextReader()
		if err != nil {
			return
		}
		frame.Reset()
		if _, err := frame.ReadFrom(r); err != nil {
			return
		}
		for text := frame.Bytes(); ; {
			_, rest, found := bytes.Cut(text, []byte(`"content":"`))
			if !found {
				break
			}
			digits, rest, _ := bytes.Cut(rest, []byte(`"`))
			if n, err := strconv.Atoi(string(digits)); err == nil {
				hear(n)
			}
			text = rest
		}
	}
}
