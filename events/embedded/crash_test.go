package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/cockroachdb/pebble/v2/vfs"

	"annals/events/embedded"
)

// childSocket makes the test binary a node in childDir, to be killed.
const (
	childSocket = "EMBEDDED_TEST_SOCKET"
	childDir    = "EMBEDDED_TEST_DIR"
)

func TestMain(m *testing.M) {
	if socket := os.Getenv(childSocket); socket != "" {
		fmt.Fprintln(os.Stderr, serveUntilKilled(socket, os.Getenv(childDir)))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func serveUntilKilled(socket, dir string) error {
	node, err := embedded.Open(context.Background(), embedded.Options{Dir: dir, Logger: quiet()})
	if err != nil {
		return err
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	return node.Serve(l)
}

// acknowledged is what the node has confirmed so far.
type acknowledged struct {
	mu     sync.Mutex
	events map[string]esdb.Position // by id: where its append ended
}

func (a *acknowledged) snapshot() map[string]esdb.Position {
	a.mu.Lock()
	defer a.mu.Unlock()
	copied := make(map[string]esdb.Position, len(a.events))
	for id, p := range a.events {
		copied[id] = p
	}
	return copied
}

// burden appends three events at a time from several writers until the context ends, and takes note of what is confirmed.
func burden(ctx context.Context, client *esdb.Client, writers int, a *acknowledged) *sync.WaitGroup {
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				events := named("T", 3)
				call, cancel := context.WithTimeout(ctx, patience)
				res, err := client.AppendToStream(call, fmt.Sprintf("s-%d-%d", w, i%5), esdb.AppendToStreamOptions{}, events...)
				cancel()
				if err != nil {
					return
				}
				a.mu.Lock()
				for _, e := range events {
					a.events[e.EventID.String()] = esdb.Position{Commit: res.CommitPosition, Prepare: res.PreparePosition}
				}
				a.mu.Unlock()
			}
		})
	}
	return &all
}

// intact holds a log against what was acknowledged: nothing is lost, nothing is there half, index and log agree.
func intact(t *testing.T, n running, acknowledged map[string]esdb.Position) {
	t.Helper()
	all := n.readAll(t, esdb.ReadAllOptions{})[6:]
	equal(t, len(all)%3, 0)
	streams := map[string][]*esdb.ResolvedEvent{}
	for i, e := range all {
		if end, ok := acknowledged[e.Event.EventID.String()]; ok {
			delete(acknowledged, e.Event.EventID.String())
			equal(t, all[i/3*3+2].Event.Position, end)
		}
		equal(t, e.Event.StreamID, all[i/3*3].Event.StreamID)
		streams[e.Event.StreamID] = append(streams[e.Event.StreamID], e)
	}
	equal(t, len(acknowledged), 0)
	for name, events := range streams {
		equal(t, n.read(t, name, esdb.ReadStreamOptions{}), events)
	}
}

func TestNothingAcknowledgedIsLostWhenTheNodeIsKilled(t *testing.T) {
	t.Parallel()
	dir, a := t.TempDir(), &acknowledged{events: map[string]esdb.Position{}}
	for range 3 {
		socket := socketPath(t)
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childSocket+"="+socket, childDir+"="+dir)
		must(t, child.Start())
		client := dial(t, socket)
		ctx, cancel := context.WithCancel(context.Background())
		before := len(a.snapshot())
		writers := burden(ctx, client, 8, a)
		eventually(t, "it takes writes", func() bool { return len(a.snapshot()) > before+600 })
		must(t, child.Process.Kill())
		holds(t, errors.As(child.Wait(), new(*exec.ExitError)), "the node ended by itself")
		cancel()
		writers.Wait()
		must(t, client.Close())
		begin := time.Now()
		n := startNode(t, embedded.Options{Dir: dir})
		t.Log("recovered in ", time.Since(begin))
		intact(t, n, a.snapshot())
		closeNode(t, n.Node)
	}
}

func TestNothingAcknowledgedIsLostWhenThePowerFails(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			disk := vfs.NewCrashableMem()
			n := startNode(t, embedded.Options{Dir: "data", FS: disk})
			a := &acknowledged{events: map[string]esdb.Position{}}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			writers := burden(ctx, n.Client, 4, a)
			enough := 300 + random.IntN(3000)
			eventually(t, "it takes writes", func() bool { return len(a.snapshot()) > enough })
			before := a.snapshot()
			crashed := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(101), RNG: random})
			cancel()
			writers.Wait()
			intact(t, startNode(t, embedded.Options{Dir: "data", FS: crashed}), before)
		})
	}
}

func TestAFullDiskRefusesWritesUntilThereIsRoom(t *testing.T) {
	t.Parallel()
	disk := vfs.NewMem()
	n := startNode(t, embedded.Options{Dir: "data", FS: disk})
	n.append(t, "s", named("T", 1)...)
	tryAppend := func() error {
		_, err := n.AppendToStream(testContext(t), "s", esdb.AppendToStreamOptions{}, named("T", 1)...)
		return err
	}
	disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 20})
	eventually(t, "writes are refused", func() bool { return tryAppend() != nil })
	holds(t, len(n.read(t, "s", esdb.ReadStreamOptions{})) > 0, "reads go on")
	disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 40})
	eventually(t, "writes are accepted again", func() bool { return tryAppend() == nil })
}
