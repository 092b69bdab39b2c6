package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/deploy/postgres"
	"annals/deploy/postgres/pgtest"
)

func TestAFeedOutlivesPostgresAndSaysSoMeanwhile(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t) + "/postgres"
	cluster := pgtest.Start(t, dir)
	store, p := newLog(t), tally("counted", "a")
	var seen told
	f, _ := start(t, Options{
		Store: store, Postgres: cluster.URL(), Log: uuid.New(), Projections: []Projection{p}, Committed: seen.committed,
	})
	waitFor(t, f, "a", store.say(100))
	must(t, cluster.Stop(patient(t)))
	waitForStandstill(t, f)
	last := store.say(100)
	if err := f.Wait(patient(t), "a", last); !errors.Is(err, ErrBehind) {
		t.Errorf("waiting while PostgreSQL is away: %v", err)
	}
	contains(t, f.Status()[0].Stopped, "PostgreSQL is away")
	cluster = pgtest.Start(t, dir)
	waitThrough(t, f, "a", last)
	if s := f.Status()[0].Stopped; s != "" {
		t.Errorf("still stopped: %s", s)
	}
	kill(t, cluster)
	waitForStandstill(t, f)
	last = store.say(100)
	cluster = pgtest.Start(t, dir)
	waitThrough(t, f, "a", last)
	checkTally(t, connect(t, cluster.URL()), p, 300)
	seen.check(t, "a", 1, 300)
}

func kill(t *testing.T, c *postgres.Cluster) {
	t.Helper()
	p, err := os.FindProcess(c.PID())
	must(t, err)
	must(t, p.Kill())
	must(t, c.Stop(patient(t)))
}

// waitForStandstill waits until an idle feed has noticed that PostgreSQL is away.
func waitForStandstill(t *testing.T, f *Feed) {
	t.Helper()
	eventually(t, "the feed has noticed", func() bool { return f.Status()[0].Stopped != "" })
}

// between stands between a feed and PostgreSQL, and can keep an answer back, or pass on nothing at all.
type between struct {
	net.Listener
	server  string
	mu      sync.Mutex
	pairs   map[net.Conn]net.Conn
	mute    bool
	stalled chan struct{} // closed when it passes on again; nil while it does
}

// newBetween gives the URL under which PostgreSQL at url is reached through it.
func newBetween(t *testing.T, url string) (*between, string) {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	must(t, err)
	dir, err := os.MkdirTemp("", "between")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	name := fmt.Sprintf(".s.PGSQL.%d", config.Port)
	l, err := net.Listen("unix", filepath.Join(dir, name))
	must(t, err)
	b := &between{Listener: l, server: filepath.Join(config.Host, name), pairs: map[net.Conn]net.Conn{}}
	var serving sync.WaitGroup
	serving.Go(func() { b.serve(&serving) })
	t.Cleanup(func() {
		must(t, l.Close())
		b.stall(false)
		b.cut()
		serving.Wait()
	})
	return b, fmt.Sprintf("postgres:///%s?host=%s&port=%d&user=%s&password=%s", config.Database, dir, config.Port, config.User, config.Password)
}

func (b *between) serve(serving *sync.WaitGroup) {
	for {
		client, err := b.Accept()
		if err != nil {
			return
		}
		var d net.Dialer
		server, err := d.DialContext(context.Background(), "unix", b.server)
		if err != nil {
			client.Close()
			continue
		}
		b.mu.Lock()
		b.pairs[client] = server
		b.mu.Unlock()
		serving.Go(func() {
			_, _ = io.Copy(writeFunc(func(p []byte) (int, error) { b.wait(); return server.Write(p) }), client)
			server.Close()
		})
		serving.Go(func() {
			_, _ = io.Copy(writeFunc(func(p []byte) (int, error) { return b.answer(client, p) }), server)
			client.Close()
		})
	}
}

type writeFunc func([]byte) (int, error)

func (w writeFunc) Write(p []byte) (int, error) { return w(p) }

func (b *between) stall(stalled bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case stalled:
		b.stalled = make(chan struct{})
	case b.stalled != nil:
		close(b.stalled)
		b.stalled = nil
	}
}

func (b *between) wait() {
	b.mu.Lock()
	stalled := b.stalled
	b.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
}

func (b *between) answer(client net.Conn, p []byte) (int, error) {
	b.wait()
	b.mu.Lock()
	mute := b.mute
	b.mu.Unlock()
	if mute {
		return len(p), nil
	}
	return client.Write(p)
}

func (b *between) keepAnswers(keep bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mute = keep
}

func (b *between) cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for client, server := range b.pairs {
		client.Close()
		server.Close()
		delete(b.pairs, client)
	}
}

func TestACommitWhoseAnswerWasLostIsToldOnceAndNotRepeated(t *testing.T) {
	t.Parallel()
	url := database(t)
	b, through := newBetween(t, url)
	store, p := newLog(t), tally("counted", "a")
	var seen told
	f, _ := start(t, Options{Store: store, Postgres: through, Log: uuid.New(), Projections: []Projection{p}, Committed: seen.committed})
	conn := connect(t, url)
	const few = joinedRows - 1             // always the same statement
	waitThrough(t, f, "a", store.say(few)) // the tables are filled and shown
	for range 5 {
		waitThrough(t, f, "a", store.say(few)) // which prepares the statements on a new connection
		b.keepAnswers(true)
		last := store.say(few)
		eventually(t, "rows are there, of the first batch at least", func() bool {
			return number(t, conn, "select count(*) from counted_g1.counted") > store.n-few
		})
		if f.Position("a") >= last {
			t.Fatal("the answer was not lost")
		}
		b.cut()
		b.keepAnswers(false)
		waitThrough(t, f, "a", last)
	}
	checkTally(t, conn, p, store.n)
	seen.check(t, "a", 1, store.n)
}

// A node that cannot speak is as good as dead. One that stands in the middle of a transaction holds up nobody either.
func TestAnotherNodeTakesOverFromOneThatIsCutOff(t *testing.T) {
	t.Parallel()
	url, log := database(t), uuid.New()
	b, through := newBetween(t, url)
	store, p := newLog(t), tally("counted", "a")
	var seen [2]told
	o := Options{Store: store, Postgres: through, Log: log, Projections: []Projection{p}, Committed: seen[0].committed}
	first, _ := start(t, o)
	waitThrough(t, first, "a", store.say(10))
	o.Postgres, o.Committed = url, seen[1].committed
	second, _ := start(t, o)
	waitThrough(t, second, "a", store.say(10))
	conn := connect(t, url)
	held := connect(t, url) // as the first's connection in the middle of a commit
	_, err := held.Exec(patient(t), writing, []int64{1})
	must(t, err)
	_, err = held.Exec(patient(t), "begin; select from annals.generations for update", pgx.QueryExecModeSimpleProtocol)
	must(t, err)
	b.stall(true)
	last := store.say(10)
	waitThrough(t, second, "a", last)
	waitForStandstill(t, first)
	if err := first.Wait(patient(t), "a", last); !errors.Is(err, ErrBehind) {
		t.Errorf("waiting at a node that is cut off: %v", err)
	}
	b.stall(false)
	waitThrough(t, first, "a", last)
	checkTally(t, conn, p, store.n)
	for i := range seen {
		eventually(t, "everything is told", func() bool { return seen[i].count("a") == store.n-10*i })
	}
}
