package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"annals/cmd/internal/node"
	"annals/commands"
)

// Parked is the command for what reactions gave up, beside a running server or without one.
type Parked struct {
	List  ParkedList  `cmd:"" help:"List what is parked."`
	Show  ParkedShow  `cmd:"" help:"Show one parked event, with what it holds, as JSON."`
	Retry ParkedRetry `cmd:"" help:"Let reactions deal again with one parked event, or all; a running server does."`
	Drop  ParkedDrop  `cmd:"" help:"Forget one parked event, or all. The events stay in the log."`
}

// parkedFlags are those of each.
type parkedFlags struct {
	Group       string `enum:",${reactions}" default:"" placeholder:"REACTION" help:"Of one reaction only: ${reactions}."`
	node.Places `embed:""`
}

// open calls f with what is parked.
func (f parkedFlags) open(ctx context.Context, do func(node.ParkedEvents) error) error {
	b, err := node.OpenExisting(ctx, f.Options())
	defer b.Stop(ctx)
	if err != nil {
		return err
	}
	parked, err := b.Parked(ctx)
	if err != nil {
		return err
	}
	return do(parked)
}

// ParkedList lists.
type ParkedList struct {
	JSON        bool `help:"One JSON object a line."`
	parkedFlags `embed:""`
}

// Run implements the command.
func (l *ParkedList) Run(ctx context.Context) error {
	return l.open(ctx, func(p node.ParkedEvents) error {
		found, err := p.List(ctx, l.Group)
		if err != nil {
			return err
		}
		if l.JSON {
			out := json.NewEncoder(os.Stdout)
			for _, e := range found {
				e.Data = nil
				err = errors.Join(err, out.Encode(e))
			}
			return err
		}
		table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(table, "EVENT\tGROUP\tTYPE\tPARKED\tREASON")
		for _, e := range found {
			_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", e.ID, e.Group, e.Type, e.ParkedAt, e.Reason)
		}
		return table.Flush()
	})
}

// ParkedShow shows.
type ParkedShow struct {
	Event       idFlag `arg:"" help:"Id of the event."`
	parkedFlags `embed:""`
}

// Run implements the command.
func (s *ParkedShow) Run(ctx context.Context) error {
	return s.open(ctx, func(p node.ParkedEvents) error {
		found, err := p.List(ctx, s.Group)
		if err != nil {
			return err
		}
		for _, e := range found {
			if e.ID == s.Event.UUID {
				out := json.NewEncoder(os.Stdout)
				out.SetIndent("", "  ")
				return out.Encode(e)
			}
		}
		return fmt.Errorf("event %s is not parked", s.Event.UUID)
	})
}

// parkedSome names one event or all.
type parkedSome struct {
	Event       idFlag `arg:"" optional:"" help:"Id of the event."`
	All         bool   `help:"All that are parked."`
	parkedFlags `embed:""`
}

// Validate refuses what names nothing.
func (s parkedSome) Validate() error {
	if s.All == (s.Event.UUID != uuid.Nil) {
		return errors.New("name the event, or say --all")
	}
	return nil
}

func (s parkedSome) do(ctx context.Context, what string, do func(node.ParkedEvents, commands.Request, uuid.UUID) (int, commands.Result, error)) error {
	return s.open(ctx, func(p node.ParkedEvents) error {
		n, _, err := do(p, node.ByCLI(time.Now()), s.Event.UUID)
		if err == nil {
			fmt.Printf("%s %d\n", what, n)
		}
		return err
	})
}

// ParkedRetry retries.
type ParkedRetry struct {
	parkedSome `embed:""`
}

// Run implements the command.
func (r *ParkedRetry) Run(ctx context.Context) error {
	return r.do(ctx, "retried", func(p node.ParkedEvents, q commands.Request, event uuid.UUID) (int, commands.Result, error) {
		return p.Retry(ctx, q, r.Group, event)
	})
}

// ParkedDrop drops.
type ParkedDrop struct {
	parkedSome `embed:""`
}

// Run implements the command.
func (d *ParkedDrop) Run(ctx context.Context) error {
	return d.do(ctx, "dropped", func(p node.ParkedEvents, q commands.Request, event uuid.UUID) (int, commands.Result, error) {
		return p.Drop(ctx, q, d.Group, event)
	})
}
