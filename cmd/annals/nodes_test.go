package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"annals/deploy/postgres"
	"annals/deploy/postgres/pgtest"
	"annals/events"
)

// nodes are servers on one event store and one database.
type nodes struct {
	t        testing.TB
	settings [][]string // of each
	binary   string     // empty for that of the test
	mu       sync.Mutex
	running  []*process
}

func startNodes(t testing.TB, n int, postgresURL string, more ...string) *nodes {
	t.Helper()
	all := &nodes{t: t, running: make([]*process, n)}
	_, store := spawnStore(t, t.TempDir())
	for i := range n {
		all.settings = append(all.settings, append([]string{
			"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + postgresURL, "EVENTSTORE_URL=" + store,
		}, more...))
		all.start(i)
	}
	return all
}

func (n *nodes) start(i int) {
	n.t.Helper()
	p := spawnBuild(n.t, cmp.Or(n.binary, os.Args[0]), n.settings[i]...)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.running[i] = p
}

func (n *nodes) node(i int) *client {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.running[i%len(n.running)].client
}

func (n *nodes) kill(i int) {
	n.mu.Lock()
	p := n.running[i]
	n.mu.Unlock()
	p.kill()
}

func TestNodesShareTheWorkAndOneTakesOverFromAnother(t *testing.T) {
	t.Parallel()
	n := startNodes(t, 2, pgtest.New(t))
	agent := n.node(0).runningAgent(t, "Shared Agent")
	channel := n.node(0).channel(t, "DM", agent)
	path := "/api/messaging/central-channels/" + channel + "/messages?limit=1000"
	sent := 0
	// What is written through one node is read back through the other.
	exchange := func(writer, reader *client) {
		t.Helper()
		content := fmt.Sprintf("message %d of many", sent)
		id, a, err := writer.post(t.Context(), channel, content)
		if err != nil || a.status != http.StatusCreated {
			t.Fatalf("%d %s: %v", a.status, a.body, err)
		}
		sent++
		page := reader.must(t, http.StatusOK, http.MethodGet, path, nil, "X-Annals-After", a.header.Get("X-Annals-Position"))
		if !strings.Contains(string(page.body), id) || !strings.Contains(string(page.body), content) { // one sealed it, one opened it
			t.Fatalf("message %d cannot be read through the other node", sent)
		}
	}
	var usual time.Duration // the longest exchange between two nodes: on a busy machine everything takes longer
	for i := range 40 {
		began := time.Now()
		exchange(n.node(i), n.node(i+1))
		usual = max(usual, time.Since(began))
	}
	// The first node projects, then the second, then the first again: each is killed when it does.
	for i := range 2 {
		n.kill(i)
		began := time.Now()
		exchange(n.node(i+1), n.node(i+1))
		if took := time.Since(began); took > 5*time.Second+10*usual {
			t.Errorf("the other node took over after %v, where an exchange takes up to %v", took, usual)
		}
		n.start(i)
		for i := range 20 {
			exchange(n.node(i), n.node(i+1))
		}
	}
	// Each message has one answer, whichever node gave it.
	eventually(t, time.Minute, "every message has an answer", func() bool {
		_, answered := split(n.node(0).messages(t, channel), agent)
		return len(answered) >= sent
	})
	replies := map[string]int{}
	_, answered := split(n.node(1).messages(t, channel), agent)
	for _, m := range answered {
		if replies[m.InReplyTo]++; replies[m.InReplyTo] > 1 {
			t.Errorf("%s has more than one answer", m.InReplyTo)
		}
	}
}

// follower subscribes to everything, again and again, each time from where it was.
type follower struct {
	nodes *nodes
	after string
	last  events.Position
	wrong []string

	mu   sync.Mutex
	seen []string // what was said, in the order in which it came
}

func (f *follower) follow(ctx context.Context, every time.Duration) {
	for ctx.Err() == nil {
		f.once(ctx, every)
	}
}

// once is one connection, cut after a random while.
func (f *follower) once(ctx context.Context, every time.Duration) {
	node := f.nodes.node(rand.IntN(len(f.nodes.running)))
	dialling, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, res, err := websocket.DefaultDialer.DialContext(dialling, "ws"+strings.TrimPrefix(node.base, "http")+"/ws", nil)
	if err != nil {
		time.Sleep(20 * time.Millisecond) // the node is being killed or started
		return
	}
	_ = res.Body.Close()
	defer conn.Close()
	cut := time.AfterFunc(time.Duration(rand.Int64N(int64(every))), func() { _ = conn.Close() })
	defer cut.Stop()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	wish, err := json.Marshal(map[string]any{"subscribe": map[string]any{"types": []string{"MessageSubmitted"}}, "after": f.after})
	if err != nil || conn.WriteMessage(websocket.TextMessage, wish) != nil {
		return
	}
	for {
		var p pushed
		if conn.ReadJSON(&p) != nil {
			return
		}
		if p.Error != nil && p.Error.Code == "DB_ERROR" { // the node cannot read the log now, and says so: it is asked again
			return
		}
		f.take(ctx, node, p)
	}
}

func (f *follower) take(ctx context.Context, node *client, p pushed) {
	if p.Error != nil || p.Reset != "" {
		f.wrong = append(f.wrong, fmt.Sprintf("refused: %+v %+v", p.Error, p))
	}
	for _, e := range p.Events {
		token, err := events.ParseToken(e.Position)
		if err != nil || token.Position <= f.last {
			f.wrong = append(f.wrong, fmt.Sprintf("%s after %d: %v", e.Position, f.last, err))
		}
		f.last, f.after = token.Position, e.Position
		var said struct{ MessageID, Content string }
		if err := json.Unmarshal(e.Data, &said); err != nil {
			f.wrong = append(f.wrong, err.Error())
		}
		f.mu.Lock()
		f.seen = append(f.seen, said.Content)
		f.mu.Unlock()
		if rand.IntN(20) == 0 {
			f.read(ctx, node, said.MessageID, said.Content)
		}
	}
	if p.Position != "" {
		f.after = p.Position
	}
}

// read finds what was pushed: whoever is told of something can read it.
func (f *follower) read(ctx context.Context, node *client, id, content string) {
	a, err := node.call(ctx, http.MethodGet, "/api/messaging/messages/"+id, nil)
	if err == nil && a.status == http.StatusNotFound {
		f.wrong = append(f.wrong, content+" was pushed before it could be read")
	}
}

func TestFollowersMissNothingWhateverHappens(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t) + "/postgres"
	cluster := pgtest.Start(t, dir)
	n := startNodes(t, 2, cluster.URL())
	channel := n.node(0).channel(t, "GROUP")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	lasting := time.Duration(setting("ANNALS_FOLLOW_SECONDS", 3, 60)) * time.Second
	followers := make([]*follower, setting("ANNALS_FOLLOWERS", 20, 100))
	from := beginning(t, n.node(0))
	var following sync.WaitGroup
	for i := range followers {
		f := &follower{nodes: n, after: from}
		followers[i] = f
		following.Go(func() { f.follow(ctx, lasting/6) })
	}
	// What was answered 201 is expected, in this order; what had no answer may have happened.
	var certain []string
	writing, enough := context.WithTimeout(ctx, lasting)
	defer enough()
	var harm sync.WaitGroup
	harm.Go(func() { disturb(t, n, cluster, dir, lasting) })
	for i := 0; writing.Err() == nil; i++ {
		content := fmt.Sprintf("m%06d", i)
		if _, a, err := n.node(rand.IntN(2)).post(writing, channel, content); err == nil && a.status == http.StatusCreated {
			certain = append(certain, content)
		}
		time.Sleep(5 * time.Millisecond) // 200 messages a second
	}
	harm.Wait()
	// The last ones are written when all is quiet again, and everybody has to come to them.
	end := ""
	eventually(t, time.Minute, "messages are taken again", func() bool {
		end = fmt.Sprintf("end %d", rand.Int())
		_, a, err := n.node(0).post(t.Context(), channel, end)
		return err == nil && a.status == http.StatusCreated
	})
	certain = append(certain, end)
	finish(t, followers, end)
	cancel()
	following.Wait()
	for i, f := range followers {
		f.check(t, i, certain, followers[0].seen)
	}
	t.Logf("%d followers saw %d messages, %d of them certain", len(followers), len(followers[0].seen), len(certain))
}

// beginning is a position from which nothing that is said later is missed.
func beginning(t testing.TB, c *client) string {
	t.Helper()
	a := c.must(t, http.StatusCreated, http.MethodPost, "/api/messaging/servers", map[string]any{"name": "first", "sourceType": "test"})
	return a.header.Get("X-Annals-Position")
}

// disturb restarts PostgreSQL and kills each node once, in equal distances.
func disturb(t *testing.T, n *nodes, cluster *postgres.Cluster, dir string, lasting time.Duration) {
	time.Sleep(lasting / 4)
	n.kill(0)
	n.start(0)
	time.Sleep(lasting / 4)
	if err := cluster.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	pgtest.Start(t, dir)
	time.Sleep(lasting / 4)
	n.kill(1)
	n.start(1)
}

// finish waits until every follower has come to the end.
func finish(t *testing.T, followers []*follower, end string) {
	t.Helper()
	for i, f := range followers {
		eventually(t, time.Minute, fmt.Sprintf("follower %d comes to the end", i), func() bool { return f.saw(end) })
	}
}

func (f *follower) saw(content string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Contains(f.seen, content)
}

func (f *follower) check(t *testing.T, i int, certain, others []string) {
	t.Helper()
	for _, w := range f.wrong {
		t.Errorf("follower %d: %s", i, w)
	}
	if !slices.Equal(f.seen, others) {
		t.Errorf("follower %d saw %d messages where another saw %d, or in another order", i, len(f.seen), len(others))
	}
	at := 0
	for _, content := range certain {
		found := slices.Index(f.seen[at:], content)
		if found < 0 {
			t.Errorf("follower %d missed %s, or saw it out of order", i, content)
			return
		}
		at += found + 1
	}
}
