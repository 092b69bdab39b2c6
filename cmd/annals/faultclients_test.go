package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// clients write through one node and read what they wrote through another that works, for as long as they are let.
type clients struct {
	nodes   *nodes
	channel string
	agent   string
	talk    *writer // one after another, to the agent

	mu               sync.Mutex
	harmed           int // the node that nobody asks, -1 for none
	acked            map[string]bool
	writing, reading []time.Duration
	kind             string // of the fault
	counts           map[string]*counts
	last             time.Time // when something was written and read
	quiet            int       // counts the times of calm; odd while it is calm
	alarms           []string  // what health said in those
}

// counts are what was seen while faults of one kind were done.
type counts struct {
	acked, refused, late, stale, lost, doubled, gaps, alarms int
	longest                                                  time.Duration // without a message that was written and read
}

// begin counts what comes under a kind of fault. What was written is known by it.
func (c *clients) begin(kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts[kind] == nil {
		c.counts[kind] = &counts{}
	}
	c.kind, c.last = kind, time.Now()
}

func (c *clients) write(ctx context.Context, who int) {
	for i := 0; ctx.Err() == nil; i++ {
		c.once(ctx, fmt.Sprintf("m%d-%06d", who, i))
		time.Sleep(20 * time.Millisecond)
	}
}

// converse speaks to the agent.
func (c *clients) converse(ctx context.Context) {
	for ; ctx.Err() == nil; time.Sleep(300 * time.Millisecond) {
		to, _, _ := c.two()
		content := fmt.Sprintf("message %d", c.talk.next)
		c.talk.next++
		if id, a, err := to.post(ctx, c.talk.channel, content); err == nil && a.status == http.StatusCreated {
			c.talk.acked = append(c.talk.acked, content)
			c.talk.ids[content] = id
		}
	}
}

// watch asks for the health of every node, and counts what is not well while nothing fails.
func (c *clients) watch(ctx context.Context) {
	for ; ctx.Err() == nil; time.Sleep(200 * time.Millisecond) {
		c.mu.Lock()
		before := c.quiet
		c.mu.Unlock()
		for i := range c.nodes.running {
			ill := c.nodes.node(i).illness(ctx)
			c.mu.Lock()
			if ill != "" && c.quiet == before && before%2 == 1 && ctx.Err() == nil {
				c.counts[c.kind].alarms++
				c.alarms = append(c.alarms, ill)
			}
			c.mu.Unlock()
		}
	}
}

// calm says whether nothing fails from now on.
func (c *clients) calm(is bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if is == (c.quiet%2 == 0) {
		c.quiet++
	}
}

// two are two nodes that work, at random, and the kind of fault.
func (c *clients) two() (a, b *client, kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var well []int
	for i := range c.nodes.running {
		if i != c.harmed {
			well = append(well, i)
		}
	}
	return c.nodes.node(well[rand.IntN(len(well))]), c.nodes.node(well[rand.IntN(len(well))]), c.kind
}

// once is one message. It reports whether that could be read at once.
func (c *clients) once(ctx context.Context, content string) bool {
	writer, reader, kind := c.two()
	content = kind + " " + content
	began := time.Now()
	id, a, err := writer.post(ctx, c.channel, content)
	written := time.Since(began)
	c.mu.Lock()
	counted := c.counts[kind]
	if err != nil || a.status != http.StatusCreated {
		counted.refused++
		c.mu.Unlock()
		return false
	}
	counted.acked++
	c.acked[content] = true
	c.writing = append(c.writing, written)
	c.mu.Unlock()
	began = time.Now()
	a, err = reader.call(ctx, http.MethodGet, "/api/messaging/messages/"+id, nil, "X-Annals-After", a.header.Get("X-Annals-Position"))
	read := time.Since(began)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil && a.status == http.StatusOK && strings.Contains(string(a.body), `"`+content+`"`):
		c.reading = append(c.reading, read)
		counted.longest = max(counted.longest, time.Since(c.last))
		c.last = time.Now()
		return written+read < time.Second
	case err == nil && (a.status == http.StatusOK || a.status == http.StatusNotFound):
		counted.stale++
	default:
		counted.late++
	}
	return false
}

// usual takes the medians of what was measured, and measures anew.
func (c *clients) usual() (writing, reading time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() { c.writing, c.reading = nil, nil }()
	return median(c.writing), median(c.reading)
}

func median(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// spare keeps everybody away from a node.
func (c *clients) spare(node int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.harmed = node
}

// kindOf is the kind of fault while which something was written.
func (c *clients) kindOf(content string) *counts {
	for kind, counted := range c.counts {
		if strings.HasPrefix(content, kind+" ") {
			return counted
		}
	}
	return &counts{}
}

// check compares what was acknowledged with what followers saw: each once, in the same order.
func (c *clients) check(t *testing.T, followers []*follower) {
	t.Helper()
	longest := slices.MaxFunc(followers, func(a, b *follower) int { return len(a.seen) - len(b.seen) })
	times := map[string]int{}
	for _, content := range longest.seen {
		if times[content]++; times[content] > 1 {
			c.kindOf(content).doubled++
		}
	}
	for content := range c.acked {
		if times[content] == 0 {
			c.kindOf(content).lost++
		}
	}
	for i, f := range followers {
		for _, w := range f.wrong {
			t.Errorf("follower %d: %s", i, w)
		}
		at := 0
		for _, content := range f.seen {
			found := slices.Index(longest.seen[at:], content)
			if found < 0 {
				t.Errorf("follower %d saw %q, which another did not see, or not in that order", i, content)
				continue
			}
			for _, missed := range longest.seen[at : at+found] {
				c.kindOf(missed).gaps++
			}
			at += found + 1
		}
		for _, missed := range longest.seen[at:] {
			c.kindOf(missed).gaps++
		}
	}
}

// table shows what was counted, and fails where that is not as it has to be.
func (c *clients) table(t *testing.T, size, n int, chosen []fault) {
	t.Helper()
	lines := []string{
		"| fault | nodes | times | acknowledged | not acknowledged | lost | doubled | reads refused | stale reads | gaps | " +
			"longest unavailability | false alarms |",
		"| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
	}
	for _, f := range chosen {
		k := c.counts[f.name]
		lines = append(lines, fmt.Sprintf("| %s | %d | %d | %d | %d | %d | %d | %d | %d | %d | %.1f s | %d |",
			f.name, size, n, k.acked, k.refused, k.lost, k.doubled, k.late, k.stale, k.gaps, k.longest.Seconds(), k.alarms))
		if k.lost+k.doubled+k.stale+k.gaps+k.alarms > 0 {
			t.Errorf("%s: %d lost, %d doubled, %d stale reads, %d gaps, %d false alarms", f.name, k.lost, k.doubled, k.stale, k.gaps, k.alarms)
		}
	}
	for _, alarm := range c.alarms {
		t.Errorf("a false alarm: %s", alarm)
	}
	t.Log("\n" + strings.Join(lines, "\n"))
}
