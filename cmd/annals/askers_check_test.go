package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// faults are what a client was promised, and what did not come true: each question is there once, under the id that every answer named,
// and answered once, with what the client was told; a session was used as often as it was asked; a job ended once, and truthfully.
func (a *asker) faults(f found) (all []string) {
	all = slices.Clone(a.wrong)
	per := map[string]int{}
	for _, e := range a.asked {
		per[e.channel]++
		for _, fault := range e.faults(a.agent, f) {
			all = append(all, fmt.Sprintf("%s %q after %d tries: %s", e.way, e.content, e.tries, fault))
		}
	}
	for channel, n := range per {
		if asked, _ := split(f.messages[channel], a.agent); len(asked) != n {
			all = append(all, fmt.Sprintf("%s: %d questions are there, %d were asked", a.way, len(asked), n))
		}
	}
	if a.session != "" && f.uses != len(a.asked) {
		all = append(all, fmt.Sprintf("%s: it was used %d times, asked %d times", a.way, f.uses, len(a.asked)))
	}
	return all
}

func (e *exchange) faults(agent string, f found) (all []string) {
	fault := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	asked, answered := split(f.messages[e.channel], agent)
	asked = slices.DeleteFunc(asked, func(m message) bool { return m.Content != e.content })
	if len(asked) != 1 {
		fault("it is there %d times", len(asked))
		return all
	}
	for _, id := range e.ids {
		if id != asked[0].ID {
			fault("it was called %s, and is %s", id, asked[0].ID)
		}
	}
	answered = slices.DeleteFunc(answered, func(m message) bool { return m.InReplyTo != asked[0].ID })
	if len(answered) != 1 {
		fault("it has %d answers", len(answered))
		return all
	}
	if mark, _, _ := strings.Cut(e.content, " "); !strings.Contains(answered[0].Content, mark+" ") {
		fault("it has the answer to something else: %q", answered[0].Content)
	}
	if e.reply != "" && (answered[0].ID != e.reply || answered[0].Content != e.text) {
		fault("it was answered with %s %q, and there is %s %q", e.reply, e.text, answered[0].ID, answered[0].Content)
	}
	if waits := e.way != sessionSocket && e.way != slowJob; waits && e.reply == "" {
		fault("the client was told no answer")
	}
	if e.shown != "" && e.shown != e.text {
		fault("%q was shown of %q", e.shown, e.text)
	}
	return append(all, e.jobFaults(f)...)
}

func (e *exchange) jobFaults(f found) (all []string) {
	if e.job == "" {
		return nil
	}
	if n := f.ends[e.job]; n != 1 {
		all = append(all, fmt.Sprintf("the job ended %d times", n))
	}
	if want := map[string]string{aJob: "completed", slowJob: "timeout"}[e.way]; e.status != want {
		all = append(all, fmt.Sprintf("the job ended as %s, not %s", e.status, want))
	}
	return all
}

// The checker has to find each of the faults.
func TestTheCheckerOfAskersFindsEachFault(t *testing.T) {
	t.Parallel()
	const agent = "agent"
	whole := func(way string) (*asker, found) {
		e := &exchange{way: way, channel: "c", content: "q0-0", ids: []string{"m", "m"}, tries: 2}
		a := &asker{way: way, agent: agent, asked: []*exchange{e}}
		f := found{messages: map[string][]message{"c": {
			{ID: "m", AuthorID: somebody, Content: "q0-0"}, {ID: "r", AuthorID: agent, Content: "q0-0 it is", InReplyTo: "m"},
		}}, ends: map[string]int{}}
		switch way {
		case sessionSSE:
			a.session, f.uses, e.reply, e.text, e.shown = "s", 1, "r", "q0-0 it is", "q0-0 it is"
		case aJob:
			e.job, e.status, f.ends["j"], e.reply, e.text = "j", "completed", 1, "r", "q0-0 it is"
		}
		return a, f
	}
	for _, c := range []struct {
		what, way string
		harm      func(a *asker, f *found)
		says      string
	}{
		{"nothing", sessionSSE, func(*asker, *found) {}, ""},
		{"nothing", aJob, func(*asker, *found) {}, ""},
		{"a refusal", sessionSSE, func(a *asker, _ *found) { a.wrong = []string{"404"} }, "404"},
		{"lost", sessionSSE, func(_ *asker, f *found) { f.messages["c"] = f.messages["c"][1:] }, "there 0 times"},
		{"doubled", sessionSSE, func(_ *asker, f *found) {
			f.messages["c"] = append(f.messages["c"], message{ID: "n", AuthorID: somebody, Content: "q0-0"})
		}, "there 2 times"},
		{"a stranger", sessionSSE, func(_ *asker, f *found) {
			f.messages["c"] = append(f.messages["c"], message{ID: "n", AuthorID: somebody, Content: "what nobody asked"})
		}, "2 questions are there"},
		{"another id at first", sessionSSE, func(a *asker, _ *found) { a.asked[0].ids[0] = "n" }, "it was called n"},
		{"no answer", sessionSSE, func(_ *asker, f *found) { f.messages["c"] = f.messages["c"][:1] }, "0 answers"},
		{"two answers", sessionSSE, func(_ *asker, f *found) {
			f.messages["c"] = append(f.messages["c"], message{ID: "s", AuthorID: agent, Content: "q0-0 it was", InReplyTo: "m"})
		}, "2 answers"},
		{"the answer to another", sessionSSE, func(a *asker, f *found) {
			f.messages["c"][1].Content, a.asked[0].text, a.asked[0].shown = "q0-1 x", "q0-1 x", "q0-1 x"
		}, "something else"},
		{"another answer is stored", sessionSSE, func(a *asker, _ *found) { a.asked[0].text, a.asked[0].shown = "q0-0 hm", "q0-0 hm" }, "there is r"},
		{"none was told", sessionSSE, func(a *asker, _ *found) { a.asked[0].reply = "" }, "told no answer"},
		{"a piece is missing", sessionSSE, func(a *asker, _ *found) { a.asked[0].shown = "q0-0" }, "was shown of"},
		{"a use is lost", sessionSSE, func(_ *asker, f *found) { f.uses = 0 }, "used 0 times"},
		{"a use is doubled", sessionSSE, func(_ *asker, f *found) { f.uses = 2 }, "used 2 times"},
		{"a job ended twice", aJob, func(_ *asker, f *found) { f.ends["j"] = 2 }, "ended 2 times"},
		{"a job is called late", aJob, func(a *asker, _ *found) { a.asked[0].status = "timeout" }, "ended as timeout"},
	} {
		a, f := whole(c.way)
		c.harm(a, &f)
		got := strings.Join(a.faults(f), "\n")
		if (c.says == "") != (got == "") || !strings.Contains(got, c.says) {
			t.Errorf("%s: %q", c.what, got)
		}
	}
}
