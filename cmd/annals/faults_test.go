package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"annals/deploy/postgres/pgtest"
)

// fault is a way in which a part fails. harm returns at once where mend ends the fault, and otherwise when it has passed.
type fault struct {
	name       string
	harm, mend func(c *campaign, node int)
}

// partFaults are done to a store, a database and the nodes on them. Those with mend are of one node, which nobody asks meanwhile.
var partFaults = []fault{
	{
		"frozen", func(c *campaign, i int) { c.nodes.signal(i, syscall.SIGSTOP) },
		func(c *campaign, i int) { c.nodes.signal(i, syscall.SIGCONT) },
	},
	{"cut off", func(c *campaign, i int) { c.ways[i].Stall(true) }, func(c *campaign, i int) { c.ways[i].Stall(false) }},
	{"killed", func(c *campaign, i int) { c.nodes.kill(i) }, func(c *campaign, i int) { c.nodes.start(i) }},
	{"store killed", func(c *campaign, _ int) { c.store.kill(); time.Sleep(time.Second); c.serve(c.log) }, nil},
	{"store set back", (*campaign).setBack, nil},
	{"dead backends", (*campaign).endBackends, nil},
	{"dead listeners", (*campaign).endListeners, nil},
	{"backends dead again and again", (*campaign).endBackendsOften, nil},
	{"table locked", (*campaign).lockTable, nil},
	{"store frozen", (*campaign).freezeStore, nil},
	{"connections reset", func(c *campaign, _ int) { each(c.ways, (*pgtest.Between).Cut) }, nil},
	{"answers halved", func(c *campaign, _ int) { each(c.ways, (*pgtest.Between).Halve) }, nil},
	{"store cut off", func(c *campaign, i int) { c.toStore[i].Stall(true) }, func(c *campaign, i int) { c.toStore[i].Stall(false) }},
	{"store reset", func(c *campaign, _ int) { each(c.toStore, (*pgtest.Between).Cut) }, nil},
	{"store halved", func(c *campaign, _ int) { each(c.toStore, (*pgtest.Between).Halve) }, nil},
}

// usually are the faults of a test that nobody has asked to be a campaign.
const usually = 2

// campaign is a store, a database and some nodes, with clients that never stop.
type campaign struct {
	*testing.T
	binary  string
	nodes   *nodes
	ways    []*pgtest.Between // of each node to PostgreSQL
	toStore []*pgtest.Between
	store   *process
	address string // of the store
	log     string // its folder
	wrong   []string
	admin   *pgx.Conn
	clients *clients
	done    int
}

// What else is served at the address of the store.
const (
	older = iota
	empty
	another
)

func newCampaign(t *testing.T, size int) *campaign {
	t.Helper()
	c := &campaign{T: t, binary: os.Args[0], address: "127.0.0.1:0", log: t.TempDir() + "/log"}
	if build := os.Getenv("ANNALS_BINARY"); build != "" { // an older build: the campaign has to find its faults
		c.binary = build
	}
	c.serve(c.log)
	url := pgtest.New(t)
	c.nodes = &nodes{t: t, running: make([]*process, size), binary: c.binary}
	for i := range size {
		way, through := pgtest.NewBetween(t, url)
		toStore, store := pgtest.NewBetweenTCP(t, c.address)
		c.ways, c.toStore = append(c.ways, way), append(c.toStore, toStore)
		c.nodes.settings = append(c.nodes.settings, []string{
			"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + through, "EVENTSTORE_URL=esdb://" + store + "?tls=false",
			"CHARACTERS_DIR=" + mustAbs(t, "../../deploy/characters"), "LOG_LEVEL=error",
		})
		c.nodes.start(i)
	}
	var err error
	if c.admin, err = pgx.Connect(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.admin.Close(context.Background()) })
	first := c.nodes.node(0)
	agent := first.runningAgent(t, "Unmoved")
	c.clients = &clients{
		nodes: c.nodes, harmed: -1, channel: first.channel(t, "GROUP"), agent: agent, acked: map[string]bool{}, counts: map[string]*counts{},
		talk: &writer{channel: first.channel(t, "DM", agent), ids: map[string]string{}},
	}
	return c
}

// serve starts the store on a folder, at the same address as before.
func (c *campaign) serve(dir string) {
	c.store = command(c, c.binary, dir, nil, "eventstore", "--listen", c.address, "--data", dir)
	c.address = regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(c.store.said)
}

// prepareWrongLogs makes what is served later instead of the log: one that ends earlier, none, and another one.
func (c *campaign) prepareWrongLogs() {
	dir := c.TempDir()
	c.wrong = []string{dir + "/older", dir + "/empty", dir + "/another"}
	c.store.stop(c)
	if err := os.CopyFS(c.wrong[older], os.DirFS(c.log)); err != nil {
		c.Fatal(err)
	}
	c.serve(c.log)
	store := command(c, c.binary, c.wrong[another], nil, "eventstore", "--listen", "127.0.0.1:0", "--data", c.wrong[another])
	elsewhere := spawnBuild(c, c.binary, "SERVER_PORT=0", "DATA_DIR="+c.TempDir(), "POSTGRES_URL="+pgtest.New(c), "LOG_LEVEL=error",
		"EVENTSTORE_URL=esdb://"+regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(store.said)+"?tls=false")
	channel := elsewhere.channel(c, "GROUP")
	for range 200 {
		_, _, _ = elsewhere.post(c.Context(), channel, strings.Repeat("elsewhere ", 100))
	}
	elsewhere.stop(c)
	store.stop(c)
}

// setBack serves another log for some seconds.
func (c *campaign) setBack(int) {
	c.store.kill()
	wrong := c.wrong[c.done%len(c.wrong)]
	if c.done%len(c.wrong) == empty {
		wrong = c.TempDir() + "/empty"
	}
	c.serve(wrong)
	time.Sleep(3 * time.Second)
	c.store.kill()
	c.serve(c.log)
}

// endBackends ends every session of the nodes in PostgreSQL.
func (c *campaign) endBackends(int) {
	_, err := c.admin.Exec(c.Context(), `select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()`)
	if err != nil {
		c.Error(err)
	}
}

// endListeners ends the sessions that hold the nodes' locks and hear of commits, and no others.
func (c *campaign) endListeners(int) {
	_, err := c.admin.Exec(c.Context(), `select pg_terminate_backend(pid) from pg_stat_activity a
where datname = current_database() and application_name = 'annals feed' and not exists (
	select from pg_locks l where l.pid = a.pid and l.locktype = 'advisory' and l.classid = hashtext('annals.writing')::oid)`)
	if err != nil {
		c.Error(err)
	}
}

func (c *campaign) endBackendsOften(node int) {
	for range 20 {
		c.endBackends(node)
		time.Sleep(200 * time.Millisecond)
	}
}

// lockTable locks the messages against reading and writing for some seconds, as an operator's statement may.
func (c *campaign) lockTable(int) {
	var table string
	err := c.admin.QueryRow(c.Context(), `select oid::regclass::text from pg_class where relkind = 'r' and relname = 'messages'`).Scan(&table)
	if err == nil {
		err = pgx.BeginFunc(c.Context(), c.admin, func(tx pgx.Tx) error {
			_, err := tx.Exec(c.Context(), "lock table "+table)
			time.Sleep(4 * time.Second)
			return err
		})
	}
	if err != nil {
		c.Error(err)
	}
}

func (c *campaign) freezeStore(int) {
	for _, s := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT} {
		if err := c.store.cmd.Process.Signal(s); err != nil {
			c.Error(err)
		}
		if s == syscall.SIGSTOP {
			time.Sleep(5 * time.Second)
		}
	}
}

func each(ways []*pgtest.Between, do func(*pgtest.Between)) {
	for _, way := range ways {
		do(way)
	}
}

// once does one fault, and waits until everything is as before.
func (c *campaign) once(ctx context.Context, f fault) {
	i := c.done % len(c.ways)
	c.clients.begin(f.name)
	time.Sleep(1500 * time.Millisecond)
	write, read := c.clients.usual()
	if f.mend != nil {
		c.clients.spare(i)
	}
	c.clients.calm(false)
	began := time.Now()
	f.harm(c, i)
	took := c.recovered(ctx, began)
	if f.mend != nil {
		c.clients.usual()
		time.Sleep(time.Second)
		writeThen, readThen := c.clients.usual()
		c.Logf("node %d is %s: others serve after %v; writes took %v, then %v, reads %v, then %v", i, f.name, took.Round(time.Millisecond),
			write.Round(time.Millisecond), writeThen.Round(time.Millisecond), read.Round(time.Millisecond), readThen.Round(time.Millisecond))
		f.mend(c, i)
	}
	if took > 10*time.Second {
		c.Errorf("%s: others served after %v", f.name, took)
	}
	well := time.Now() // since when every node is: one that was cut off may notice that a little later
	c.soon("every node is well, and stays so", func() bool {
		for i := range c.ways {
			if ill := c.nodes.node(i).illness(ctx); ill != "" {
				well = time.Now()
			}
		}
		return time.Since(well) > 2*time.Second
	})
	c.clients.spare(-1)
	c.clients.calm(true)
	c.done++
}

// recovered waits until three in a row are written and read at once, and returns when the first of them was.
func (c *campaign) recovered(ctx context.Context, began time.Time) (took time.Duration) {
	inTurn := 0
	c.soon("messages are taken and read again", func() bool {
		if inTurn == 0 {
			took = time.Since(began)
		}
		if c.clients.once(ctx, fmt.Sprintf("probe %d", rand.Int())) {
			inTurn++
		} else {
			inTurn = 0
		}
		time.Sleep(50 * time.Millisecond)
		return inTurn == 3
	})
	return took
}

// soon fails when something has not come after two minutes, and goes on.
func (c *campaign) soon(what string, is func() bool) {
	for end := time.Now().Add(2 * time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			c.Errorf("not within two minutes: %s", what)
			return
		}
	}
}

// illness is what a server's health says is wrong; it is empty where all is well.
func (c *client) illness(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	a, err := c.call(ctx, http.MethodGet, "/api/server/health", nil)
	switch {
	case err != nil:
		return err.Error()
	case a.status != http.StatusOK:
		return string(a.body)
	}
	return ""
}

// Whatever fails, and comes back: what was acknowledged is there once, each read that names its position has it, it is pushed once to each
// follower and answered once; the others go on within 10 s, and nobody raises an alarm when it has passed.
func TestOutageOfAnyPartLosesDoublesAndHidesNothing(t *testing.T) {
	t.Parallel() // where it is no campaign, it waits most of the time
	times := setting("ANNALS_FAULTS", 0, 20)
	for size, n := range map[int]int{3: (times + 1) / 2, 2: times / 2} {
		chosen := slices.Clone(partFaults)
		if kinds := os.Getenv("ANNALS_FAULT_KINDS"); kinds != "" {
			chosen = slices.DeleteFunc(chosen, func(f fault) bool { return !slices.Contains(strings.Split(kinds, ","), f.name) })
		}
		switch {
		case times == 0 && size == 3:
			chosen, n = chosen[:usually], 1
		case n == 0:
			continue
		}
		t.Run(fmt.Sprintf("%d nodes", size), func(t *testing.T) { campaignOf(t, size, n, chosen) })
	}
}

func campaignOf(t *testing.T, size, n int, chosen []fault) {
	c := newCampaign(t, size)
	from := beginning(t, c.nodes.node(0))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var busy sync.WaitGroup
	followers := make([]*follower, 6)
	for i := range followers {
		followers[i] = &follower{nodes: c.nodes, after: from}
		busy.Go(func() { followers[i].follow(ctx, 2*time.Second) })
	}
	if slices.ContainsFunc(chosen, func(f fault) bool { return f.name == "store set back" }) {
		c.prepareWrongLogs()
	}
	writing, enough := context.WithCancel(ctx)
	defer enough()
	var writers sync.WaitGroup
	c.clients.begin(chosen[0].name)
	for i := range 8 {
		writers.Go(func() { c.clients.write(writing, i) })
	}
	writers.Go(func() { c.clients.converse(writing) })
	writers.Go(func() { c.clients.watch(writing) })
	for _, f := range chosen {
		for range n {
			c.once(ctx, f)
		}
	}
	enough()
	writers.Wait()
	end := fmt.Sprintf("end %d", rand.Int())
	c.soon("messages are taken", func() bool {
		_, a, err := c.nodes.node(0).post(t.Context(), c.clients.channel, end)
		return err == nil && a.status == http.StatusCreated
	})
	for i, f := range followers {
		c.soon(fmt.Sprintf("follower %d comes to the end", i), func() bool { return f.saw(end) })
	}
	cancel()
	busy.Wait()
	c.clients.talk.verify(t, c.nodes.node(0), c.clients.agent)
	if c.binary == os.Args[0] {
		if said, err := annalsSays(context.WithoutCancel(ctx), c.nodes.settings[0], "verify"); err != nil {
			t.Errorf("annals verify: %v: %s", err, said)
		}
	}
	c.clients.check(t, followers)
	c.clients.table(t, size, n, chosen)
}

func (n *nodes) signal(i int, s syscall.Signal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.running[i].cmd.Process.Signal(s); err != nil {
		n.t.Error(err)
	}
}
