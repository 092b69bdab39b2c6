package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"annals/deploy/postgres/pgtest"
)

// readers write through one node and read what they wrote through another that works, for as long as they are let.
type readers struct {
	nodes   *nodes
	channel string

	mu                   sync.Mutex
	harmed               int // the node that nobody asks, -1 for none
	acked                map[string]bool
	refused, late, stale int // writes, reads that were refused, and reads that were answered without what they asked for
	writing, reading     []time.Duration
}

func (r *readers) run(ctx context.Context, who int) {
	for i := 0; ctx.Err() == nil; i++ {
		r.once(ctx, fmt.Sprintf("m%d-%06d", who, i))
		time.Sleep(20 * time.Millisecond)
	}
}

// two are two nodes that work, at random.
func (r *readers) two() (a, b *client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var well []int
	for i := range r.nodes.running {
		if i != r.harmed {
			well = append(well, i)
		}
	}
	return r.nodes.node(well[rand.IntN(len(well))]), r.nodes.node(well[rand.IntN(len(well))])
}

// once is one message. It reports whether that could be read at once.
func (r *readers) once(ctx context.Context, content string) bool {
	writer, reader := r.two()
	began := time.Now()
	_, a, err := writer.post(ctx, r.channel, content)
	written := time.Since(began)
	r.mu.Lock()
	if err != nil || a.status != http.StatusCreated {
		r.refused++
		r.mu.Unlock()
		return false
	}
	r.acked[content] = true
	r.writing = append(r.writing, written)
	r.mu.Unlock()
	began = time.Now()
	page, err := reader.call(ctx, http.MethodGet, "/api/messaging/central-channels/"+r.channel+"/messages?limit=1000", nil,
		"X-Annals-After", a.header.Get("X-Annals-Position"))
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil || page.status != http.StatusOK:
		r.late++
	case !strings.Contains(string(page.body), `"`+content+`"`):
		r.stale++
	default:
		r.reading = append(r.reading, time.Since(began))
		return written+time.Since(began) < time.Second
	}
	return false
}

// usual takes the medians of what was measured, and measures anew.
func (r *readers) usual() (writing, reading time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer func() { r.writing, r.reading = nil, nil }()
	return median(r.writing), median(r.reading)
}

func median(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// spare keeps everybody away from a node.
func (r *readers) spare(node int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.harmed = node
}

// A node that is frozen, or whose way to PostgreSQL hangs, is as good as dead: another one projects.
func TestOutageOfANodeThatIsFrozenOrCutOffHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	const size = 3
	_, store := spawnStore(t, t.TempDir())
	n := &nodes{t: t, running: make([]*process, size)}
	ways := make([]*pgtest.Between, size)
	for i := range size {
		way, through := pgtest.NewBetween(t, url)
		ways[i] = way
		n.settings = append(n.settings, []string{"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + through, "EVENTSTORE_URL=" + store})
		n.start(i)
	}
	r := &readers{nodes: n, channel: n.node(0).channel(t, "GROUP"), harmed: -1, acked: map[string]bool{}}
	from := beginning(t, n.node(0))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var busy sync.WaitGroup
	followers := make([]*follower, 6)
	for i := range followers {
		followers[i] = &follower{nodes: n, channel: r.channel, after: from}
		busy.Go(func() { followers[i].follow(ctx, 2*time.Second) })
	}
	writing, enough := context.WithCancel(ctx)
	defer enough()
	var writers sync.WaitGroup
	for i := range 4 {
		writers.Go(func() { r.run(writing, i) })
	}
	var longest time.Duration
	for fault := range setting("ANNALS_FREEZES", 2, 40) {
		time.Sleep(2 * time.Second)
		write, read := r.usual()
		i, kind := fault/2%size, "frozen"
		harm, mend := func() { n.signal(i, syscall.SIGSTOP) }, func() { n.signal(i, syscall.SIGCONT) }
		if fault%2 == 1 {
			kind, harm, mend = "cut off", func() { ways[i].Stall(true) }, func() { ways[i].Stall(false) }
		}
		r.spare(i)
		harm()
		began := time.Now()
		var took time.Duration // until the first of three that are read at once
		inTurn := 0
		eventually(t, time.Minute, "another node projects", func() bool {
			if inTurn == 0 {
				took = time.Since(began)
			}
			if r.once(ctx, fmt.Sprintf("probe %d", rand.Int())) {
				inTurn++
			} else {
				inTurn = 0
			}
			time.Sleep(50 * time.Millisecond)
			return inTurn == 3
		})
		longest = max(longest, took)
		r.usual()
		time.Sleep(2 * time.Second)
		writeThen, readThen := r.usual()
		t.Logf("node %d is %s: projected again after %v; writes took %v, then %v, reads %v, then %v", i, kind, took.Round(time.Millisecond),
			write.Round(time.Millisecond), writeThen.Round(time.Millisecond), read.Round(time.Millisecond), readThen.Round(time.Millisecond))
		if took > 10*time.Second {
			t.Errorf("node %d was %s: another projected after %v", i, kind, took)
		}
		mend()
		eventually(t, time.Minute, "the node reads what the others wrote", func() bool {
			a, err := n.node(i).call(t.Context(), http.MethodGet, "/api/server/health", nil)
			return err == nil && a.status == http.StatusOK
		})
		r.spare(-1)
	}
	enough()
	writers.Wait()
	end := fmt.Sprintf("end %d", rand.Int())
	eventually(t, time.Minute, "messages are taken", func() bool {
		_, a, err := n.node(0).post(t.Context(), r.channel, end)
		return err == nil && a.status == http.StatusCreated
	})
	finish(t, followers, end)
	cancel()
	busy.Wait()
	r.check(t, followers)
	t.Logf("%d acknowledged, %d not; %d reads were refused, %d stale; longest %v", len(r.acked), r.refused, r.late, r.stale, longest.Round(time.Millisecond))
}

// check compares what was acknowledged with what followers saw: each once, in the same order.
func (r *readers) check(t *testing.T, followers []*follower) {
	t.Helper()
	if r.stale > 0 {
		t.Errorf("%d reads were stale", r.stale)
	}
	for i, f := range followers {
		for _, w := range f.wrong {
			t.Errorf("follower %d: %s", i, w)
		}
		if !slices.Equal(f.seen, followers[0].seen) {
			t.Errorf("follower %d saw %d messages where another saw %d, or in another order", i, len(f.seen), len(followers[0].seen))
		}
	}
	times := map[string]int{}
	for _, content := range followers[0].seen {
		if times[content]++; times[content] > 1 {
			t.Errorf("%s is there %d times", content, times[content])
		}
	}
	for content := range r.acked {
		if times[content] == 0 {
			t.Errorf("%s was acknowledged and is lost", content)
		}
	}
}

func (n *nodes) signal(i int, s syscall.Signal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.running[i].cmd.Process.Signal(s); err != nil {
		n.t.Error(err)
	}
}
