package server

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// Parked is what reactions gave up. A group is that of one reaction; an empty one stands for every group. An id that is
// not parked fails with an error that the table knows.
type Parked interface {
	List(ctx context.Context, group string) ([]ParkedEvent, error)
	// Retry delivers one event again or, for uuid.Nil, all; Drop forgets them. Each records first who wants that, and tells
	// how many there were.
	Retry(ctx context.Context, r commands.Request, group string, event uuid.UUID) (int, commands.Result, error)
	Drop(ctx context.Context, r commands.Request, group string, event uuid.UUID) (int, commands.Result, error)
}

// nothingParked is where no reaction runs.
type nothingParked struct{}

func (nothingParked) List(context.Context, string) ([]ParkedEvent, error) { return nil, nil }

func (nothingParked) Retry(_ context.Context, _ commands.Request, _ string, event uuid.UUID) (int, commands.Result, error) {
	if event != uuid.Nil {
		return 0, commands.Result{}, notParked(event)
	}
	return 0, commands.Result{}, nil
}

func (n nothingParked) Drop(ctx context.Context, r commands.Request, group string, event uuid.UUID) (int, commands.Result, error) {
	return n.Retry(ctx, r, group, event)
}

// ParkedEvent is an event that a reaction was given and gave up.
type ParkedEvent struct {
	ID          uuid.UUID       `json:"id" doc:"Of the event."`
	Group       string          `json:"group" doc:"The reaction."`
	Type        string          `json:"type"`
	Stream      events.StreamID `json:"stream"`
	Position    string          `json:"position"`
	At          queries.ISO     `json:"at" doc:"When it happened."`
	ParkedAt    queries.ISO     `json:"parkedAt"`
	Reason      string          `json:"reason"`
	Correlation uuid.UUID       `json:"correlationId"`
	Data        json.RawMessage `json:"data,omitempty"`
}

// ParkedQuery narrows what is parked.
type ParkedQuery struct {
	Group string `query:"group" doc:"Of one reaction only, such as reply."`
}

// ParkedPath names a parked event.
type ParkedPath struct {
	ParkedQuery
	EventID frame.ID `path:"eventId"`
}

type parkedPage struct {
	ParkedQuery
	Limit int      `query:"limit" default:"1000" doc:"At most 1000."`
	After frame.ID `query:"after" doc:"Only what is listed behind this event."`
}

type parkedList struct {
	Parked []ParkedEvent `json:"parked"`
	Count  int           `json:"count" doc:"Of all."`
}

func (a *api) parked(c *frame.Call, in *parkedPage) (parkedList, error) {
	if err := c.Here("see what is parked"); err != nil {
		return parkedList{}, err
	}
	limit, err := frame.Bounded(in.Limit)
	if err != nil {
		return parkedList{}, err
	}
	all, err := a.Parked.List(c, in.Group)
	if err != nil {
		return parkedList{}, err
	}
	c.Total = len(all)
	rest := all
	if in.After.UUID != uuid.Nil { // everything, where it was dealt with meanwhile
		rest = all[slices.IndexFunc(all, func(e ParkedEvent) bool { return e.ID == in.After.UUID })+1:]
	}
	page := frame.List(slices.Clone(rest[:min(limit, len(rest))]))
	for i := range page {
		page[i].Data = nil // which is shown one by one
	}
	return parkedList{page, len(all)}, nil
}

type parkedShown struct {
	Parked ParkedEvent `json:"parked"`
}

func (a *api) parkedEvent(c *frame.Call, in *ParkedPath) (parkedShown, error) {
	if err := c.Here("see what is parked"); err != nil {
		return parkedShown{}, err
	}
	found, err := a.Parked.List(c, in.Group)
	if err != nil {
		return parkedShown{}, err
	}
	for _, p := range found {
		if p.ID == in.EventID.UUID {
			return parkedShown{p}, nil
		}
	}
	return parkedShown{}, notParked(in.EventID.UUID)
}

func notParked(event uuid.UUID) error {
	return problem.New(http.StatusNotFound, problem.CodeNotFound, "The event %s is not parked", event)
}

type retried struct {
	Retried int `json:"retried"`
}

func (a *api) retryParked(c *frame.Call, in *struct {
	ParkedQuery
	Body *struct{}
},
) (retried, error) {
	return a.retry(c, in.Group, uuid.Nil)
}

func (a *api) retryParkedEvent(c *frame.Call, in *struct {
	ParkedPath
	Body *struct{}
},
) (retried, error) {
	if in.EventID.UUID == uuid.Nil { // which would stand for all
		return retried{}, notParked(uuid.Nil)
	}
	return a.retry(c, in.Group, in.EventID.UUID)
}

func (a *api) retry(c *frame.Call, group string, event uuid.UUID) (retried, error) {
	if err := c.Here("do that"); err != nil {
		return retried{}, err
	}
	n, last, err := a.Parked.Retry(c, c.Request(), group, event)
	return retried{n}, c.Wrote(last, err)
}

func (a *api) dropParked(c *frame.Call, in *ParkedQuery) (frame.None, error) {
	return a.drop(c, in.Group, uuid.Nil)
}

func (a *api) dropParkedEvent(c *frame.Call, in *ParkedPath) (frame.None, error) {
	if in.EventID.UUID == uuid.Nil { // which would stand for all
		return frame.None{}, notParked(uuid.Nil)
	}
	return a.drop(c, in.Group, in.EventID.UUID)
}

func (a *api) drop(c *frame.Call, group string, event uuid.UUID) (frame.None, error) {
	if err := c.Here("do that"); err != nil {
		return frame.None{}, err
	}
	_, last, err := a.Parked.Drop(c, c.Request(), group, event)
	return frame.None{}, c.Wrote(last, err)
}
