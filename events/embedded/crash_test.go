package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

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
	stale  []error
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

// burden writes from several writers until the context ends: appends of three events, of which it takes note when they are
// confirmed, and some of which it reads back at once, and beside them metadata, deletes and tombstones. It does so without the official client, whose callers may
// hang when a node goes away for good.
func burden(ctx context.Context, node streams.StreamsClient, writers int, a *acknowledged) *sync.WaitGroup {
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				call, cancel := context.WithTimeout(ctx, patience)
				err := a.append(call, node, fmt.Sprintf("s-%d-%d", w, i%5), i%3 == 0)
				if err == nil && i%7 == 0 {
					err = churn(call, node, fmt.Sprintf("churn-%d-%d", w, i/70), i/7%10)
				}
				cancel()
				if err != nil {
					return
				}
			}
		})
	}
	return &all
}

func (a *acknowledged) append(ctx context.Context, node streams.StreamsClient, stream string, back bool) error {
	ids := []uuid.UUID{uuid.New(), uuid.New(), uuid.New()}
	at, err := appendTo(ctx, node, stream, "T", "{}", ids...)
	if err != nil {
		return err
	}
	if back {
		err = check(ctx, node, at, ids[2])
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range ids {
		a.events[id.String()] = esdb.Position{Commit: at, Prepare: at}
	}
	if errors.Is(err, errStale) {
		a.stale = append(a.stale, err)
	}
	return err
}

// appendTo gives the position of the last event.
func appendTo(ctx context.Context, node streams.StreamsClient, stream, kind, data string, ids ...uuid.UUID) (uint64, error) {
	call, err := node.Append(ctx)
	if err != nil {
		return 0, err
	}
	// What Send meets, CloseAndRecv tells.
	_ = call.Send(&streams.AppendReq{Content: &streams.AppendReq_Options_{Options: appendOptions(stream, anyState)}})
	for _, id := range ids {
		_ = call.Send(&streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: proposed(id, kind, []byte(data))}})
	}
	resp, err := call.CloseAndRecv()
	if err != nil {
		return 0, err
	}
	if resp.GetSuccess() == nil {
		return 0, errors.New("it was refused")
	}
	return resp.GetSuccess().GetPosition().GetCommitPosition(), nil
}

// churn is the next step in the life of a stream: written, limited, deleted, begun again, and after ten steps gone.
func churn(ctx context.Context, node streams.StreamsClient, stream string, step int) error {
	id := &shared.StreamIdentifier{StreamName: []byte(stream)}
	var err error
	switch {
	case step == 9:
		_, err = node.Tombstone(ctx, &streams.TombstoneReq{Options: &streams.TombstoneReq_Options{
			StreamIdentifier: id, ExpectedStreamRevision: &streams.TombstoneReq_Options_Any{Any: none},
		}})
	case step%4 == 2:
		_, err = appendTo(ctx, node, "$$"+stream, "$metadata", `{"$maxCount":2}`, uuid.New())
	case step%4 == 3:
		_, err = node.Delete(ctx, &streams.DeleteReq{Options: &streams.DeleteReq_Options{
			StreamIdentifier: id, ExpectedStreamRevision: &streams.DeleteReq_Options_Any{Any: none},
		}})
	default:
		_, err = appendTo(ctx, node, stream, "C", "{}", uuid.New(), uuid.New())
	}
	return err
}

// intact holds a log against what was acknowledged: nothing is lost, nothing is there half, index and log agree. It gives
// the events of the streams that nothing was deleted from.
func intact(t *testing.T, n running, acknowledged map[string]esdb.Position) (kept []*esdb.ResolvedEvent) {
	t.Helper()
	for _, e := range n.readAll(t, esdb.ReadAllOptions{}) {
		if strings.HasPrefix(e.Event.StreamID, "s-") {
			kept = append(kept, e)
		}
	}
	equal(t, len(kept)%3, 0)
	streams := map[string][]*esdb.ResolvedEvent{}
	for i, e := range kept {
		first, last := kept[i/3*3].Event, kept[i/3*3+2].Event
		if end, ok := acknowledged[e.Event.EventID.String()]; ok {
			delete(acknowledged, e.Event.EventID.String())
			equal(t, last.Position, end)
		}
		equal(t, e.Event.StreamID, first.StreamID)
		equal(t, e.Event.Position.Commit, first.Position.Commit+uint64(i%3))
		streams[e.Event.StreamID] = append(streams[e.Event.StreamID], e)
	}
	equal(t, len(acknowledged), 0)
	for name, events := range streams {
		equal(t, n.read(t, name, esdb.ReadStreamOptions{}), events)
	}
	return kept
}

// times is how often a campaign repeats itself: as the setting in the environment says, in a soak often, else seldom.
func times(t testing.TB, setting string, seldom, often int) int {
	t.Helper()
	if text := os.Getenv(setting); text != "" {
		n, err := strconv.Atoi(text)
		must(t, err)
		return n
	}
	if os.Getenv("ANNALS_SOAK") != "" {
		return often
	}
	return seldom
}

// following is a persistent subscription over all lives of a node.
type following struct {
	mu       sync.Mutex
	handled  map[string]bool // by event id
	repeated int
}

func (f *following) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.handled)
}

// follow acknowledges what comes until the subscription is dropped.
func (f *following) follow(t testing.TB, client *esdb.Client) *sync.WaitGroup {
	ctx, cancel := context.WithTimeout(context.Background(), 10*patience)
	sub, err := client.SubscribeToPersistentSubscriptionToAll(ctx, "followers", esdb.SubscribeToPersistentSubscriptionOptions{BufferSize: 100})
	must(t, err)
	var running sync.WaitGroup
	running.Go(func() {
		defer cancel()
		defer sub.Close()
		for {
			e := sub.Recv()
			if e.SubscriptionDropped != nil {
				return
			}
			if e.EventAppeared == nil {
				continue
			}
			f.mu.Lock()
			id := e.EventAppeared.Event.Event.EventID.String()
			if f.handled[id] {
				f.repeated++
			}
			f.handled[id] = true
			f.mu.Unlock()
			if sub.Ack(e.EventAppeared.Event) != nil {
				return
			}
		}
	})
	return &running
}

func TestNothingAcknowledgedIsLostWhenTheNodeIsKilled(t *testing.T) {
	t.Parallel()
	dir, a := t.TempDir(), &acknowledged{events: map[string]esdb.Position{}}
	f, w := &following{handled: map[string]bool{}}, &witness{}
	for range times(t, "ANNALS_STORE_KILLS", 2, 50) {
		socket := socketPath(t)
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childSocket+"="+socket, childDir+"="+dir)
		must(t, child.Start())
		client := dial(t, socket)
		err := client.CreatePersistentSubscriptionToAll(testContext(t), "followers", esdb.PersistentAllSubscriptionOptions{
			Settings: quickSettings(), StartFrom: esdb.Start{}, Filter: &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{"s-"}},
		})
		holds(t, err == nil || status.Code(unwrapAll(err)) == codes.AlreadyExists, fmt.Sprint("the group: ", err))
		group, watching := f.follow(t, client), w.follow(t, client)
		ctx, cancel := context.WithCancel(context.Background())
		before, followed := len(a.snapshot()), f.count()
		writers := burden(ctx, rawOver(t, socket), 8, a)
		eventually(t, "it takes writes", func() bool {
			return len(a.snapshot()) > before+600 && f.count() > followed+100 && len(w.snapshot()) > before+600
		})
		must(t, child.Process.Kill())
		holds(t, errors.As(child.Wait(), new(*exec.ExitError)), "the node ended by itself")
		cancel()
		writers.Wait()
		group.Wait()
		watching.Wait()
		must(t, client.Close())
		sound(t, logOf(dir, ""))
		begin := time.Now()
		n := startNode(t, embedded.Options{Dir: dir})
		t.Log("recovered in ", time.Since(begin))
		intact(t, n, a.snapshot())
		w.holds(t, n, w.snapshot())
		closeNode(t, n.Node)
	}
	equal(t, len(a.stale), 0)
	n := startNode(t, embedded.Options{Dir: dir})
	kept := intact(t, n, a.snapshot())
	group := f.follow(t, n.Client)
	eventually(t, "the group has handled every event", func() bool { return f.count() == len(kept) })
	closeNode(t, n.Node)
	group.Wait()
	holds(t, f.repeated < len(kept)/2, fmt.Sprint("the checkpoint was lost: came again ", f.repeated))
}

func TestNothingAcknowledgedIsLostWhenThePowerFails(t *testing.T) {
	t.Parallel()
	for seed := range uint64(times(t, "ANNALS_STORE_POWER_FAILURES", 5, 1000)) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			disk := vfs.NewCrashableMem()
			n := startNode(t, embedded.Options{Dir: "data", FS: disk})
			a := &acknowledged{events: map[string]esdb.Position{}}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			w := &witness{}
			watching := w.follow(t, n.Client)
			writers := burden(ctx, n.raw(t), 4, a)
			enough := 300 + random.IntN(3000)
			eventually(t, "it takes writes", func() bool { return len(a.snapshot()) > enough })
			before, seen := a.snapshot(), w.snapshot()
			crashed := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(101), RNG: random})
			cancel()
			writers.Wait()
			closeNode(t, n.Node)
			watching.Wait()
			l := logOf("data", "")
			l.FS = crashed
			sound(t, l)
			recovered := startNode(t, embedded.Options{Dir: "data", FS: crashed})
			intact(t, recovered, before)
			w.holds(t, recovered, seen)
			equal(t, len(a.stale), 0)
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
