package main

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"annals/deploy/postgres/pgtest"
	"annals/transport/models/openai/openaitest"
)

var question = regexp.MustCompile(`q\d+-\d+(?: slowly)?`)

// heard answers the last question of a prompt: one that asks for it takes several seconds.
func heard(r openaitest.Request) string {
	asked := "q"
	for _, m := range r.Messages {
		if all := question.FindAllString(m.Content, -1); len(all) > 0 {
			asked = all[len(all)-1]
		}
	}
	mark, _, slowly := strings.Cut(asked, " ")
	if slowly {
		return mark + strings.Repeat(" and so on", 60)
	}
	return mark + " is what you ask, and it has the answer that it has: wait and see."
}

// oneNode is a node with its store in its own process.
func oneNode(t *testing.T, more ...string) *nodes {
	n := &nodes{t: t, running: make([]*process, 1)}
	n.settings = [][]string{append([]string{"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + pgtest.New(t)}, more...)}
	n.start(0)
	return n
}

func TestCrashOfANodeLeavesEachQuestionWithOneAnswer(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T, ...string) *nodes{
		"one node":  oneNode,
		"two nodes": func(t *testing.T, more ...string) *nodes { return startNodes(t, 2, pgtest.New(t), more...) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model := openaitest.Start(t, openaitest.Script{Answer: heard, Between: 15 * time.Millisecond})
			n := start(t, "OPENAI_BASE_URL="+model.URL, "OPENAI_LARGE_MODEL=oracle")
			agent := n.node(0).runningAgent(t, "Asked Agent")
			var askers []*asker
			for i, way := range allWays {
				askers = append(askers, newAsker(t, n, way, agent, i))
			}
			rounds := setting("ANNALS_CRASHES", 1, 100)
			for range rounds {
				askWhile(t, askers, func() {
					time.Sleep(time.Duration(100+rand.IntN(500)) * time.Millisecond) // the moment is random on purpose
					i := rand.IntN(len(n.running))
					n.kill(i)
					n.start(i)
				})
			}
			report(t, n, askers, rounds)
		})
	}
}

// askWhile lets askers ask while harm is done, and until each has its answer.
func askWhile(t *testing.T, askers []*asker, harm func()) {
	t.Helper()
	stop := make(chan struct{})
	var asking sync.WaitGroup
	for _, a := range askers {
		for range a.hands {
			asking.Go(func() { a.ask(t.Context(), stop) })
		}
	}
	harm()
	close(stop)
	asking.Wait()
}

func report(t *testing.T, n *nodes, askers []*asker, kills int) {
	t.Helper()
	lines := []string{"| way | questions | asked again | faults |", "| --- | --- | --- | --- |"}
	for _, a := range askers {
		faults := a.faults(a.find(t, n.node(0)))
		again := 0
		for _, e := range a.asked {
			if e.job == "" && e.tries > 1 {
				again++
			}
		}
		lines = append(lines, fmt.Sprintf("| %s | %d | %d | %d |", a.way, len(a.asked), again, len(faults)))
		for _, fault := range faults {
			t.Error(fault)
		}
	}
	t.Logf("%d nodes, %d kills\n%s", len(n.running), kills, strings.Join(lines, "\n"))
}

// What the campaign looks for is there without the promise: a client that does not say that it repeats is answered twice.
func TestACrashDoublesTheQuestionOfAClientThatNamesNoKey(t *testing.T) {
	t.Parallel()
	slow := openaitest.Start(t, openaitest.Script{Answer: heard, Between: time.Hour})
	quick := openaitest.Start(t, openaitest.Script{Answer: heard})
	n := oneNode(t, "OPENAI_LARGE_MODEL=oracle", "OPENAI_BASE_URL="+slow.URL)
	agent := n.node(0).runningAgent(t, "Asked Agent")
	a := newAsker(t, n, sessionHTTP, agent, 0)
	a.keyless = true
	var asking sync.WaitGroup
	asking.Go(func() { a.once(t.Context()) })
	eventually(t, time.Minute, "the model is asked", func() bool { return len(slow.Requests()) > 0 })
	n.settings[0][len(n.settings[0])-1] = "OPENAI_BASE_URL=" + quick.URL
	n.kill(0)
	n.start(0)
	asking.Wait()
	faults := strings.Join(a.faults(a.find(t, n.node(0))), "\n")
	for _, want := range []string{"it is there 2 times", "used 2 times"} {
		if !strings.Contains(faults, want) {
			t.Errorf("the checker found %q", faults)
		}
	}
}
