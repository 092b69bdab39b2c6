package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"annals/events"
	"annals/projections/engine"
)

// progress tells people how far something is: as a bar on a terminal, in plain lines elsewhere.
type progress struct {
	out   io.Writer
	noun  string                   // what is counted
	bar   *progressbar.ProgressBar // nil where there is no terminal
	begun time.Time
	from  events.Position
	said  time.Time
	stage string
	since time.Time // when the stage began
	spent []string  // on those before
}

const sayEvery = 2 * time.Second

func newProgress(out *os.File, noun string) *progress {
	p := &progress{out: out, noun: noun}
	if term.IsTerminal(int(out.Fd())) {
		p.bar = progressbar.NewOptions64(1, progressbar.OptionSetWriter(out), progressbar.OptionShowIts(),
			progressbar.OptionSetItsString("positions"), progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond))
	}
	return p
}

func (p *progress) show(now engine.Progress) {
	if p.begun.IsZero() {
		p.begun, p.from = time.Now(), now.Position
	}
	if now.Stage != p.stage {
		if p.stage != "" {
			p.spent = append(p.spent, fmt.Sprint(p.stage, " ", time.Since(p.since).Round(time.Millisecond)))
		}
		p.since = time.Now()
	}
	switch {
	case p.bar != nil:
		p.bar.Describe(now.Stage)
		p.bar.ChangeMax64(max(int64(now.Head), int64(now.Position), 1))
		_ = p.bar.Set64(int64(now.Position)) // what cannot be drawn is drawn the next time
	case now.Stage != p.stage || time.Since(p.said) > sayEvery:
		p.said = time.Now()
		_, _ = fmt.Fprintln(p.out, p.line(now))
	}
	if now.Stage == "done" {
		_, _ = fmt.Fprintf(p.out, "\nrebuilt %s: %d events in %v (%s)\n",
			strings.Join(now.Projections, ", "), now.Events, time.Since(p.begun).Round(time.Millisecond), strings.Join(p.spent, ", "))
	}
	p.stage = now.Stage
}

// line is "rows: 120000 events, 41000/s, 62 %, 3s left".
func (p *progress) line(now engine.Progress) string {
	since := time.Since(p.begun)
	line := fmt.Sprintf("%s: %d %s", now.Stage, now.Events, p.noun)
	if now.Events == 0 || now.Position <= p.from || now.Head <= p.from || since <= 0 { // nothing yet that a rate could be told from
		return line
	}
	done := float64(now.Position-p.from) / float64(now.Head-p.from)
	left := time.Duration(float64(since)/done) - since
	return fmt.Sprintf("%s, %.0f/s, %.0f %%, %v left", line, float64(now.Events)/since.Seconds(), 100*min(done, 1), max(left, 0).Round(time.Second))
}
