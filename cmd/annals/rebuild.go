package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"annals/cmd/internal/node"
	"annals/projections/engine"
)

// Rebuild is the command that fills read models anew from the log, beside a running server or without one.
type Rebuild struct {
	Names       []string `arg:"" optional:"" name:"projection" help:"What to rebuild."`
	All         bool     `help:"Rebuild every projection."`
	DryRun      bool     `help:"Say what would be done, and do nothing."`
	RebuildPast `embed:""`
	node.Places `embed:""`
}

// Validate refuses flags that mean nothing together.
func (r *Rebuild) Validate() error {
	switch {
	case r.Until == "" && (r.Into != "" || r.From != ""):
		return errors.New("--into and --from need --until")
	case r.Until == "" && r.All == (len(r.Names) > 0):
		return errors.New("name the projections to rebuild, or say --all")
	case r.Until != "" && (r.All || len(r.Names) > 0 || r.DryRun):
		return errors.New("--until builds every projection, beside those that are served: it takes no names, no --all and no --dry-run")
	case r.Until != "" && r.Into == "":
		return errors.New("name the schema to make: --into SCHEMA")
	}
	return nil
}

// Run implements the command.
func (r *Rebuild) Run(ctx context.Context) error { return resumable(ctx, r.work(ctx)) }

func (r *Rebuild) work(ctx context.Context) error {
	open := node.OpenExisting
	if r.From != "" || r.EventStoreURL != "" { // there is something to read, wherever the rows go
		open = node.Open
	}
	options := r.Options()
	options.AnyLog = r.All
	b, err := open(ctx, options)
	defer b.Stop(ctx)
	if err != nil {
		return err
	}
	if r.Until != "" {
		return r.run(ctx, b, r.Places)
	}
	if !r.DryRun {
		if err := refuseLost(ctx, b); err != nil {
			return err
		}
	}
	if r.All && !r.DryRun {
		return r.settle(ctx, b)
	}
	log, err := logOf(ctx, b)
	if err != nil {
		return err
	}
	o := b.Projections(log)
	if r.DryRun {
		return r.say(ctx, o)
	}
	return r.rebuild(ctx, o)
}

// refuseLost keeps the rows as they are while keys are lost: they may be the last place where the text is legible.
func refuseLost(ctx context.Context, b *node.Backends) error {
	all, more, err := b.Codec.Lost(ctx)
	if said := node.LostKeys(all, more); said != "" {
		return fmt.Errorf("%s; rows may still have the text, so nothing is rebuilt: %s", said, node.LostKeysRemedy)
	}
	return err
}

// settle rebuilds everything from the log as it is now, whatever it was before: the operator has decided to go on with it.
func (r *Rebuild) settle(ctx context.Context, b *node.Backends) error {
	log, err := b.OpenLog(ctx)
	if err != nil {
		return err
	}
	o := b.Projections(log)
	if err := engine.Settle(ctx, o); err != nil {
		return err
	}
	return r.rebuild(ctx, o)
}

func (r *Rebuild) rebuild(ctx context.Context, o engine.Options) error {
	progress := newProgress(os.Stdout, "events")
	debug.SetGCPercent(engine.GCPercent)
	debug.SetMemoryLimit(min(debug.SetMemoryLimit(-1), engine.MemoryLimit))
	return engine.Rebuild(ctx, o, r.Names, progress.show)
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
