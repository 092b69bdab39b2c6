package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"annals/deploy/postgres/pgtest"
)

// attackKey is the key of the server that is attacked. Some attackers have it.
const attackKey = "s3cret"

// asAttackers makes the test binary attack a server, as the JSON of a target says. The client whose latency counts and the server must
// not wait for attackers within one process.
const asAttackers = "ANNALS_TEST_AS_ATTACKERS"

// target is what attackers ask for, and for how long.
type target struct {
	Base, Host, Agent, Channel, Log string
	Lasts                           time.Duration
	Only                            string // attacks whose names contain it
}

// attacked is a server under attack.
type attacked struct {
	*process
	target
}

// from returns connections of a client with an address of its own on this machine, so that bounds by client apply to it alone.
func from(last int) *http.Transport {
	d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(last))}}
	return &http.Transport{DialContext: d.DialContext, MaxIdleConnsPerHost: 64, DisableCompression: true}
}

// attack makes all attacks at once until the time is over. It is what the process of the attackers does.
func attack(t target) {
	ctx, cancel := context.WithTimeout(context.Background(), t.Lasts)
	defer cancel()
	var attackers sync.WaitGroup
	for i, attack := range attacks {
		if strings.Contains(attack.name, t.Only) {
			attackers.Go(func() { attack.do(ctx, t, 2+i) })
		}
	}
	attackers.Wait()
}

// attackers starts the process of the attackers. It has a lower priority than the server: the attack is as strong as it can be on the
// machine, since attackers run whenever the server waits for them, but it takes no time away from the server, as attackers
// elsewhere take none.
func (a *attacked) attackers(t *testing.T) (wait func()) {
	t.Helper()
	what, err := json.Marshal(a.target)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("nice", "-n", "10", os.Args[0])
	cmd.Env = append(os.Environ(), asAttackers+"="+string(what))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return func() {
		if err := <-done; err != nil {
			t.Errorf("the attackers: %v", err)
		}
		t.Logf("the attackers took %v of processor time", (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Round(time.Second/10))
	}
}

// latencies are those of a client, and how often it was refused.
type latencies struct {
	took    []time.Duration
	refused []string
}

func (l *latencies) at(share float64) time.Duration {
	if len(l.took) == 0 {
		return 0
	}
	slices.Sort(l.took)
	return l.took[min(int(share*float64(len(l.took))), len(l.took)-1)]
}

func (l *latencies) String() string {
	return fmt.Sprintf("%d requests, median %v, p99 %v, %d refused", len(l.took), l.at(0.5).Round(time.Millisecond/10), l.at(0.99).Round(time.Millisecond/10), len(l.refused))
}

// lives is a client with the key that posts and reads for a while.
func (a *attacked) lives(ctx context.Context, lasts time.Duration) *latencies {
	l, c := &latencies{}, &http.Client{Transport: from(1), Timeout: time.Minute}
	messages := a.Base + "/api/messaging/central-channels/" + a.Channel + "/messages"
	for end, n := time.Now().Add(lasts), 0; time.Now().Before(end); n++ {
		for _, one := range [][3]string{
			{http.MethodPost, messages, fmt.Sprintf(`{"author_id":%q,"server_id":%q,"content":"tea for %d"}`, somebody, defaultServer, n)},
			{http.MethodGet, messages + "?limit=20", ""},
			{http.MethodGet, a.Base + "/api/agents/" + a.Agent, ""},
		} {
			began := time.Now()
			if status, err := ask(ctx, c, one[0], one[1], strings.NewReader(one[2]), attackKey); err != nil || status >= 300 {
				l.refused = append(l.refused, fmt.Sprint(one[0], " ", status, " ", err))
			}
			l.took = append(l.took, time.Since(began))
		}
		time.Sleep(20 * time.Millisecond) // a client that does other things, too
	}
	return l
}

// ask sends a request, and reads the answer.
func ask(ctx context.Context, c *http.Client, method, url string, body io.Reader, key string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return 0, err
	}
	if r.Header.Set("Content-Type", "application/json"); key != "" {
		r.Header.Set("X-API-KEY", key)
	}
	res, err := c.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// All attacks at once: a client with the key is never refused, and the server is at its usual memory a minute later. Latencies are told;
// with ANNALS_ATTACK_LATENCY=1, for a quiet machine, they are held to three times what is usual.
func TestAttacksOfAllKindsAtOnceRefuseNoClientWithTheKey(t *testing.T) {
	seconds := setting("ANNALS_ATTACK_SECONDS", 0, 0) // not in a soak yet: latencies are beyond what is wanted
	if seconds == 0 {
		t.Skip("set ANNALS_ATTACK_SECONDS")
	}
	lasts := time.Duration(seconds) * time.Second
	p := spawn(t, "SERVER_PORT=0", "DATA_DIR="+t.TempDir(), "POSTGRES_URL="+pgtest.New(t), "ELIZA_SERVER_AUTH_TOKEN="+attackKey, "RATE_LIMIT=off")
	a := fill(t, p)
	usual := a.lives(t.Context(), min(lasts, 15*time.Second))
	before, peak := p.resident(t), 0
	t.Logf("before: %v; %d MB", usual, before>>20)

	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	a.Lasts, a.Only = lasts, os.Getenv("ANNALS_ATTACK_ONLY")
	wait := a.attackers(t)
	sampled := make(chan struct{})
	go func() {
		defer close(sampled)
		for ctx.Err() == nil {
			peak = max(peak, p.resident(t))
			time.Sleep(50 * time.Millisecond)
		}
	}()
	during := a.lives(t.Context(), lasts)
	<-sampled
	wait()
	t.Logf("during %v: %v; %d MB at most", lasts, during, peak>>20)
	after := a.lives(t.Context(), min(lasts, 10*time.Second))
	eventually(t, time.Minute, "the memory is as usual again", func() bool { return p.resident(t) < before+60<<20 })
	t.Logf("after: %v; %d MB", after, p.resident(t)>>20)

	if refused := slices.Concat(usual.refused, during.refused, after.refused); len(refused) > 0 {
		t.Errorf("the client with the key was refused %d times, such as %s", len(refused), refused[0])
	}
	if peak-before > 200<<20 {
		t.Errorf("the memory rose by %d MB", (peak-before)>>20)
	}
	if setting("ANNALS_ATTACK_LATENCY", 0, 0) == 1 && (during.at(0.5) > 3*usual.at(0.5) || during.at(0.99) > 3*usual.at(0.99)) {
		t.Error("it waited more than three times as long as usual")
	}
}
