package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/events/esdb"
	"annals/queries"
	serverapi "annals/transport/httpapi/server"
)

// reactionGroups are the persistent subscriptions of the reactions.
var reactionGroups = []string{"reply", "embed", "remember"}

// ParkedEvents implements httpapi.Parked.
type ParkedEvents struct {
	Store *esdb.Store
	Env   commands.Env
	Log   uuid.UUID
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
func (p ParkedEvents) List(ctx context.Context, group string) ([]serverapi.ParkedEvent, error) {
	groups, err := groupsOf(group)
	if err != nil {
		return nil, err
	}
	var all []serverapi.ParkedEvent
	for _, g := range groups {
		found, err := p.Store.Parked(ctx, g)
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
		Position: events.Token{Log: p.Log, Position: e.Event.Position}.String(),
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
	return p.each(ctx, group, event, p.Store.RetryParked, func(e esdb.Parked) (commands.Result, error) {
		return commands.Handle(ctx, p.Env, r, commands.RetryParked{EventID: e.Event.ID, Reaction: e.Group})
	})
}

// Drop implements httpapi.Parked.
func (p ParkedEvents) Drop(ctx context.Context, r commands.Request, group string, event uuid.UUID) (int, commands.Result, error) {
	return p.each(ctx, group, event, p.Store.DropParked, func(e esdb.Parked) (commands.Result, error) {
		return commands.Handle(ctx, p.Env, r, commands.DropParked{EventID: e.Event.ID, Reaction: e.Group})
	})
}

// each does something to an event where it is parked, or to all that is, once it is recorded.
func (p ParkedEvents) each(
	ctx context.Context, group string, event uuid.UUID, do func(context.Context, string, uuid.UUID) error, record func(esdb.Parked) (commands.Result, error),
) (n int, last commands.Result, err error) {
	groups, err := groupsOf(group)
	if err != nil {
		return 0, last, err
	}
	for _, g := range groups {
		found, err := p.Store.Parked(ctx, g)
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
