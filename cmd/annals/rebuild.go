package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"annals/commands"
	"annals/events"
	"annals/projections"
	"annals/projections/engine"
)

// Rebuild is the command that fills read models anew from the log, beside a running server or without one.
type Rebuild struct {
	Config `embed:""`
	Names  []string `arg:"" optional:"" name:"projection" help:"What to rebuild."`
	All    bool     `help:"Rebuild every projection."`
	DryRun bool     `help:"Say what would be done, and do nothing."`

	RebuildPast `embed:""`
}

// Run implements the command.
func (r *Rebuild) Run(ctx context.Context) error {
	if r.Until == "" && r.All == (len(r.Names) > 0) {
		return errors.New("name the projections to rebuild, or say --all")
	}
	log := r.logger()
	p, err := openParts(ctx, r.Config, log)
	defer p.stop(context.WithoutCancel(ctx), log)
	if err != nil {
		return err
	}
	if r.Until != "" {
		return r.run(ctx, p, r.Config)
	}
	opened, err := commands.Load[commands.Log](ctx, commands.Env{Store: p.store}, events.LogStream)
	if err != nil {
		return err
	}
	if opened.ID == uuid.Nil {
		return errEmptyLog
	}
	o := engine.Options{
		Store: p.store, Postgres: p.databaseURL, Log: opened.ID, Projections: projections.All(), Logger: log,
	}
	if r.DryRun {
		return r.say(ctx, o)
	}
	progress := newProgress(os.Stdout, "events")
	debug.SetGCPercent(engine.GCPercent)
	debug.SetMemoryLimit(min(debug.SetMemoryLimit(-1), engine.MemoryLimit))
	if err := engine.Rebuild(ctx, o, r.Names, progress.show); err != nil {
		if ctx.Err() != nil {
			return errors.New("interrupted; the same command goes on from here")
		}
		return err
	}
	return nil
}

func (r *Rebuild) say(ctx context.Context, o engine.Options) error {
	intentions, err := engine.Intentions(ctx, o, r.Names)
	if err != nil {
		return err
	}
	head, err := o.Store.Head(ctx)
	if err != nil {
		return err
	}
	for _, i := range intentions {
		shown := "nothing is shown yet"
		if i.Shown != 0 {
			shown = fmt.Sprintf("generation %d is shown, at position %d", i.Shown, i.Position)
		}
		would := fmt.Sprintf("a new generation would be filled up to %d", head)
		if i.Resumed != 0 {
			would = fmt.Sprintf("generation %d would be filled from %d to %d", i.Resumed, i.Filled, head)
		}
		fmt.Printf("%s (version %d): %s; %s\n", i.Projection, i.Version, shown, would)
	}
	return nil
}

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
	if now.Events == 0 || now.Head <= p.from {
		return line
	}
	done := float64(now.Position-p.from) / float64(now.Head-p.from)
	left := time.Duration(float64(since)/done) - since
	return fmt.Sprintf("%s, %.0f/s, %.0f %%, %v left", line, float64(now.Events)/since.Seconds(), 100*min(done, 1), max(left, 0).Round(time.Second))
}
