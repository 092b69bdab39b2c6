package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
	socketio "github.com/zishang520/socket.io/servers/socket/v3"
)

const (
	// listeners are in a channel of their own with one sender, of whose messages no more than inFlight are not taken yet.
	listeners = 200
	inFlight  = 16
	// interval is the time between messages where they are to make 74,000 deliveries a second, twice what the real server reaches.
	interval = listeners * time.Second / 74_000
)

// BenchmarkSocketIO says things in a channel that 200 listen to, and tells how many messages reach them in a second, and how
// long the slowest hundredth takes from the sender to a listener: from before the sender writes a message until a listener
// has read it, of all messages and all listeners, unrounded, as for the real server: 37,000 a second, 120 ms. A message
// counts as taken (see inFlight) when the sender hears so. Beside it the bare library, which records nothing and sends what
// it gets to the room. Both do so as fast as the window lets the sender, when each message waits for the fifteen before it, and
// at a pace of twice the real server's rate, which shows how long one takes that need not wait.
func BenchmarkSocketIO(b *testing.B) {
	s := inside(b, nil)
	bare := bareSocketIO(b)
	for b.Loop() {
		channel := uuid.NewString()
		bareRate, bareSlow, bareCPU := chatter(b, bare, channel, 0)
		rate, slow, cpu := chatter(b, s.base, channel, 0)
		b.ReportMetric(rate, "deliveries/s")
		b.ReportMetric(bareRate, "bare-deliveries/s")
		b.ReportMetric(100*rate/bareRate, "%of-bare")
		b.ReportMetric(float64(slow.Microseconds())/1000, "p99-ms")
		b.ReportMetric(float64(bareSlow.Microseconds())/1000, "bare-p99-ms")
		b.ReportMetric(float64(cpu.Nanoseconds())/1000, "cpu-µs/delivery")
		b.ReportMetric(float64(bareCPU.Nanoseconds())/1000, "bare-cpu-µs/delivery")
		_, bareSlow, _ = chatter(b, bare, channel, interval)
		rate, slow, _ = chatter(b, s.base, channel, interval)
		b.ReportMetric(rate, "paced-deliveries/s")
		b.ReportMetric(float64(slow.Microseconds())/1000, "paced-p99-ms")
		b.ReportMetric(float64(bareSlow.Microseconds())/1000, "bare-paced-p99-ms")
	}
	b.ReportMetric(0, "ns/op")
}

// cpuTime is what this process has taken of the processors: server and clients, but not PostgreSQL. Unlike rates, it says the same
// on a machine that is busy with other things.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// bareSocketIO is the library, doing what is needed for its events to look alike.
func bareSocketIO(b *testing.B) string {
	b.Helper()
	library := socketio.NewServer(nil, nil)
	_ = library.On("connection", func(args ...any) {
		s := args[0].(*socketio.Socket)
		_ = s.Emit("connection_established", "x")
		_ = s.On("1", func(args ...any) {
			s.Join(socketio.Room(args[0].(map[string]any)["channelId"].(string)))
			_ = s.Emit("room_joined", "x")
		})
		_ = s.On("2", func(args ...any) {
			said := args[0].(map[string]any)
			_ = library.To(socketio.Room(said["channelId"].(string))).Emit("messageBroadcast", map[string]any{
				"id": said["messageId"], "senderId": said["senderId"], "senderName": "User", "text": said["message"], "channelId": said["channelId"],
				"roomId": said["channelId"], "serverId": said["serverId"], "createdAt": time.Now().UnixMilli(), "source": "socketio_client",
			})
			_ = s.Emit("messageAck", map[string]any{"clientMessageId": said["messageId"]})
		})
	})
	server := httptest.NewServer(library.ServeHandler(nil))
	b.Cleanup(func() { library.Close(nil); server.Close() })
	return server.URL
}

// listener reads frames of a WebSocket and little more.
type listener struct {
	conn *websocket.Conn
	in   *bufio.Reader
	head []byte
}

func listen(b *testing.B, base string, channels ...string) *listener {
	b.Helper()
	l := connected(b, base)
	for again := 0; l == nil && again < 10; again++ { // the bare library at times overhears who connects
		l = connected(b, base)
	}
	if l == nil {
		b.Fatal("nobody is greeted")
	}
	for _, channel := range channels {
		l.send(b, `42["1",{"channelId":"`+channel+`"}]`)
		if !l.await(`42["room_joined"`) {
			b.Fatal("nobody joins")
		}
	}
	return l // the reader begins with a frame
}

// connected is nothing where the server does not greet.
func connected(b *testing.B, base string) *listener {
	b.Helper()
	conn, res, err := websocket.DefaultDialer.DialContext(b.Context(), "ws"+strings.TrimPrefix(base, "http")+"/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		b.Fatal(err)
	}
	_ = res.Body.Close()
	l := &listener{conn: conn, in: bufio.NewReaderSize(conn.UnderlyingConn(), 32<<10), head: make([]byte, 64)}
	if l.await("0{") {
		l.send(b, "40")
		if l.await(`42["connection_established"`) {
			return l
		}
	}
	_ = conn.Close()
	return nil
}

// await reads up to a message that begins so; it is false where none comes soon.
func (l *listener) await(begins string) bool {
	_ = l.conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	for text := []byte(nil); !bytes.HasPrefix(text, []byte(begins)); {
		var err error
		if _, text, err = l.conn.ReadMessage(); err != nil {
			return false
		}
	}
	return l.conn.SetReadDeadline(time.Time{}) == nil
}

func (l *listener) send(b *testing.B, text string) {
	b.Helper()
	if err := l.conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		b.Error(err)
	}
}

// next gives the beginning of a frame.
func (l *listener) next() ([]byte, error) {
	head, err := l.in.Peek(2)
	if err != nil {
		return nil, err
	}
	size, skip := int(head[1]&127), 2
	if size == 126 {
		if head, err = l.in.Peek(4); err != nil {
			return nil, err
		}
		size, skip = int(binary.BigEndian.Uint16(head[2:])), 4
	}
	_, _ = l.in.Discard(skip) // what was peeked at
	n, err := io.ReadFull(l.in, l.head[:min(size, len(l.head))])
	if err == nil {
		_, err = l.in.Discard(size - n)
	}
	return l.head[:n], err
}

func (l *listener) until(begins string) bool {
	for {
		if text, err := l.next(); err != nil || bytes.HasPrefix(text, []byte(begins)) {
			return err == nil
		}
	}
}

// chatter measures for a while, with listeners who have joined other channels, in which nothing is said. Every listener hears
// the messages of the one sender in order: the n-th is the n-th. They are sent at a pace, or as soon as the window lets.
func chatter(b *testing.B, base, channel string, pace time.Duration, others ...string) (perSecond float64, slow, cpu time.Duration) {
	b.Helper()
	const most = 1 << 16
	var (
		sent      [most]atomic.Int64
		delivered atomic.Int64
		listening sync.WaitGroup
		mu        sync.Mutex
		took      []time.Duration
	)
	all := make([]*listener, listeners)
	for i := range all {
		all[i] = listen(b, base, append([]string{channel}, others...)...)
	}
	sender := listen(b, base, uuid.NewString())
	begun, used := time.Now(), cpuTime(b)
	for _, l := range all {
		listening.Go(func() {
			var mine []time.Duration
			for n := 0; l.until(`42["messageBroadcast"`); n++ {
				mine = append(mine, time.Since(begun)-time.Duration(sent[n].Load()))
				delivered.Add(1)
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
		})
	}
	window := make(chan struct{}, inFlight)
	listening.Go(func() {
		for sender.until(`42["messageAck"`) {
			<-window
		}
	})
	payload := map[string]any{"channelId": channel, "serverId": defaultServer, "senderId": somebody, "message": "a message of some eighty characters, as people write them in such channels"}
	n := 0
	for ; n < most && time.Since(begun) < measured; n++ {
		time.Sleep(time.Until(begun.Add(time.Duration(n) * pace)))
		window <- struct{}{}
		payload["messageId"] = uuid.NewString()
		text, err := json.Marshal([]any{"2", payload})
		if err != nil {
			b.Fatal(err)
		}
		sent[n].Store(int64(time.Since(begun)))
		sender.send(b, "42"+string(text))
	}
	eventually(b, 30*time.Second, "all of it is delivered", func() bool { return delivered.Load() == int64(n*listeners) })
	perSecond, cpu = float64(delivered.Load())/time.Since(begun).Seconds(), (cpuTime(b)-used)/time.Duration(delivered.Load())
	for _, l := range append(all, sender) {
		_ = l.conn.Close()
	}
	listening.Wait()
	slices.Sort(took)
	return perSecond, took[len(took)*99/100], cpu
}
