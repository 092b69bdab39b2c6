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

	"annals/commands"
	"annals/events"
	"annals/events/esdb"
	"annals/queries"
	"annals/transport/httpapi"
)

// reactionGroups are the persistent subscriptions of the reactions.
var reactionGroups = []string{"reply", "embed", "remember"}

// parkedEvents implements httpapi.Parked.
type parkedEvents struct {
	store *esdb.Store
	env   commands.Env
	log   uuid.UUID
}

func groupsOf(group string) ([]string, error) {
	if group == "" {
		return reactionGroups, nil
	}
	for _, known := range reactionGroups {
		if group == known {
			return []string{group}, nil
		}
	}
	return nil, fmt.Errorf("reaction %.40q %w", group, commands.ErrNotFound)
}

// List implements httpapi.Parked.
func (p parkedEvents) List(ctx context.Context, group string) ([]httpapi.ParkedEvent, error) {
	groups, err := groupsOf(group)
	if err != nil {
		return nil, err
	}
	var all []httpapi.ParkedEvent
	for _, g := range groups {
		found, err := p.store.Parked(ctx, g)
		if err != nil {
			return nil, err
		}
		for _, e := range found {
			all = append(all, p.shown(e))
		}
	}
	return all, nil
}

func (p parkedEvents) shown(e esdb.Parked) httpapi.ParkedEvent {
	shown := httpapi.ParkedEvent{
		ID: e.Event.ID, Group: e.Group, Type: e.Event.Event.EventType(), Stream: e.Event.Stream,
		Position: events.Token{Log: p.log, Position: e.Event.Position}.String(),
		At:       iso(e.Event.Meta.At), ParkedAt: iso(e.Added), Reason: e.Reason, Correlation: e.Event.Meta.Correlation,
	}
	if _, unknown := e.Event.Event.(events.Unknown); !unknown {
		shown.Data, _ = json.Marshal(e.Event.Event) // it was JSON
	}
	return shown
}

func iso(t time.Time) queries.ISO { return queries.ISO(t.UTC().Format("2006-01-02T15:04:05.000Z")) }

// Retry implements httpapi.Parked.
func (p parkedEvents) Retry(ctx context.Context, r commands.Request, group string, event uuid.UUID) (int, commands.Result, error) {
	return p.each(ctx, group, event, p.store.RetryParked, func(e esdb.Parked) (commands.Result, error) {
		return commands.Handle(ctx, p.env, r, commands.RetryParked{EventID: e.Event.ID, Reaction: e.Group})
	})
}

// Drop implements httpapi.Parked.
func (p parkedEvents) Drop(ctx context.Context, r commands.Request, group string, event uuid.UUID) (int, commands.Result, error) {
	return p.each(ctx, group, event, p.store.DropParked, func(e esdb.Parked) (commands.Result, error) {
		return commands.Handle(ctx, p.env, r, commands.DropParked{EventID: e.Event.ID, Reaction: e.Group})
	})
}

// each does something to an event where it is parked, or to all that is, once it is recorded.
func (p parkedEvents) each(
	ctx context.Context, group string, event uuid.UUID, do func(context.Context, string, uuid.UUID) error, record func(esdb.Parked) (commands.Result, error),
) (n int, last commands.Result, err error) {
	groups, err := groupsOf(group)
	if err != nil {
		return 0, last, err
	}
	for _, g := range groups {
		found, err := p.store.Parked(ctx, g)
		if err != nil {
			return n, last, err
		}
		here := 0
		for _, e := range found {
			if event != uuid.Nil && e.Event.ID != event {
				continue
			}
			if last, err = record(e); err != nil {
				return n, last, err
			}
			here++
		}
		if here == 0 {
			continue
		}
		if err := do(ctx, g, event); err != nil && !errors.Is(err, esdb.ErrNotParked) { // somebody else was first
			return n, last, err
		}
		n += here
	}
	if n == 0 && event != uuid.Nil {
		return 0, last, fmt.Errorf("parked event %s %w", event, commands.ErrNotFound)
	}
	return n, last, nil
}

// Parked is the command for what reactions gave up, beside a running server or without one.
type Parked struct {
	List  ParkedList  `cmd:"" help:"List what is parked."`
	Show  ParkedShow  `cmd:"" help:"Show one parked event, with what it holds, as JSON."`
	Retry ParkedRetry `cmd:"" help:"Let reactions deal again with one parked event, or all; a running server does."`
	Drop  ParkedDrop  `cmd:"" help:"Forget one parked event, or all. The events stay in the log."`
}

// parkedFlags are those of each.
type parkedFlags struct {
	Config `embed:""`
	Group  string `help:"Of one reaction only: reply, embed, remember."`
}

// open calls f with what is parked.
func (f parkedFlags) open(ctx context.Context, do func(parkedEvents) error) error {
	log := f.logger()
	p, err := openParts(ctx, f.Config, log)
	defer p.stop(context.WithoutCancel(ctx), log)
	if err != nil {
		return err
	}
	opened, err := commands.Load[commands.Log](ctx, commands.Env{Store: p.store}, events.LogStream)
	if err != nil {
		return err
	}
	return do(parkedEvents{p.store, commands.Env{Store: p.store, States: commands.NewStates(p.store)}, opened.ID})
}

// ParkedList lists.
type ParkedList struct {
	parkedFlags `embed:""`
	JSON        bool `help:"One JSON object a line."`
}

// Run implements the command.
func (l *ParkedList) Run(ctx context.Context) error {
	return l.open(ctx, func(p parkedEvents) error {
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
	parkedFlags `embed:""`
	Event       string `arg:"" help:"Id of the event."`
}

// Run implements the command.
func (s *ParkedShow) Run(ctx context.Context) error {
	return s.open(ctx, func(p parkedEvents) error {
		found, err := p.List(ctx, s.Group)
		if err != nil {
			return err
		}
		for _, e := range found {
			if e.ID.String() == s.Event {
				out := json.NewEncoder(os.Stdout)
				out.SetIndent("", "  ")
				return out.Encode(e)
			}
		}
		return fmt.Errorf("event %s is not parked", s.Event)
	})
}

// parkedSome names one event or all.
type parkedSome struct {
	parkedFlags `embed:""`
	Event       string `arg:"" optional:"" help:"Id of the event."`
	All         bool   `help:"All that are parked."`
}

func (s parkedSome) do(ctx context.Context, what string, do func(parkedEvents, commands.Request, uuid.UUID) (int, commands.Result, error)) error {
	if s.All == (s.Event != "") {
		return errors.New("name the event, or say --all")
	}
	event := uuid.Nil
	if s.Event != "" {
		var err error
		if event, err = events.ParseID(s.Event); err != nil {
			return err
		}
	}
	return s.open(ctx, func(p parkedEvents) error {
		n, _, err := do(p, byCLI(), event)
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
	return r.do(ctx, "retried", func(p parkedEvents, q commands.Request, event uuid.UUID) (int, commands.Result, error) {
		return p.Retry(ctx, q, r.Group, event)
	})
}

// ParkedDrop drops.
type ParkedDrop struct {
	parkedSome `embed:""`
}

// Run implements the command.
func (d *ParkedDrop) Run(ctx context.Context) error {
	return d.do(ctx, "dropped", func(p parkedEvents, q commands.Request, event uuid.UUID) (int, commands.Result, error) {
		return p.Drop(ctx, q, d.Group, event)
	})
}
