package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/commands/reactions"
	"annals/events"
	"annals/events/esdb"
	"annals/queries"
	serverapi "annals/transport/httpapi/server"
)

// ParkedEvents implements httpapi.Parked.
type ParkedEvents struct {
	store     *esdb.Store
	env       commands.Env
	log       uuid.UUID
	reactions []reactions.Declaration
}

// Parked returns what the reactions gave up, for a command beside a running server or without one.
func (b *Backends) Parked(ctx context.Context) (ParkedEvents, error) {
	log, err := b.Log(ctx)
	return b.parked(b.Env(), log), err
}

func (b *Backends) parked(env commands.Env, log uuid.UUID) ParkedEvents {
	return ParkedEvents{b.Store, env, log, b.options.Reactions}
}

// groups are the names of the reactions that a caller means: of all, if none is named.
func (p ParkedEvents) groups(named string) ([]string, error) {
	var all []string
	for _, d := range p.reactions {
		all = append(all, d.Name)
	}
	switch {
	case named == "":
		return all, nil
	case slices.Contains(all, named):
		return []string{named}, nil
	}
	return nil, fmt.Errorf("reaction %.40q %w: there are %s", named, commands.ErrNotFound, strings.Join(all, ", "))
}

// List implements httpapi.Parked.
func (p ParkedEvents) List(ctx context.Context, group string) ([]serverapi.ParkedEvent, error) {
	groups, err := p.groups(group)
	if err != nil {
		return nil, err
	}
	var all []serverapi.ParkedEvent
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

func (p ParkedEvents) shown(e esdb.Parked) serverapi.ParkedEvent {
	shown := serverapi.ParkedEvent{
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
func (p ParkedEvents) Retry(ctx context.Context, r commands.Request, group string, event uuid.UUID) (int, commands.Result, error) {
	return p.each(ctx, group, event, p.store.RetryParked, func(e esdb.Parked) (commands.Result, error) {
		return commands.Handle(ctx, p.env, r, commands.RetryParked{EventID: e.Event.ID, Reaction: e.Group})
	})
}

// Drop implements httpapi.Parked.
func (p ParkedEvents) Drop(ctx context.Context, r commands.Request, group string, event uuid.UUID) (int, commands.Result, error) {
	return p.each(ctx, group, event, p.store.DropParked, func(e esdb.Parked) (commands.Result, error) {
		return commands.Handle(ctx, p.env, r, commands.DropParked{EventID: e.Event.ID, Reaction: e.Group})
	})
}

// each does something to an event where it is parked, or to all that is, once it is recorded.
func (p ParkedEvents) each(
	ctx context.Context, group string, event uuid.UUID, do func(context.Context, string, uuid.UUID) error, record func(esdb.Parked) (commands.Result, error),
) (n int, last commands.Result, err error) {
	groups, err := p.groups(group)
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
