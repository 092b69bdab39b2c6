package frame

import (
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
	"annals/transport/problem"
)

// PageQuery asks for a part of a list that is ordered by time.
type PageQuery struct {
	Limit  int   `query:"limit" default:"1000" doc:"At most 1000."`
	Before Place `query:"before" doc:"Only what was made before."`
	After  Place `query:"after" doc:"Only what was made after."`
}

func (p PageQuery) Page(find func(uuid.UUID) (time.Time, events.Position, error)) (queries.Page, error) {
	return Between(p.Limit, p.Before, p.After, find)
}

// PlacesOf finds the place of a thing of a kind in its list, see Between.
func (c *Call) PlacesOf(k queries.Kind) func(uuid.UUID) (time.Time, events.Position, error) {
	return func(id uuid.UUID) (time.Time, events.Position, error) { return c.api.O.Queries.PlaceOf(c, k, id) }
}

// NextOf is Next for a list in the order of time: the page lies at the end from which it was read, see queries.Page. found is as it is
// shown, the newest first or not.
func NextOf[T any](c *Call, p queries.Page, newestFirst bool, found []T, id func(T) uuid.UUID) string {
	if len(found) == 0 {
		return ""
	}
	first, last := id(found[0]).String(), id(found[len(found)-1]).String()
	switch onlyAfter, onlyBefore := p.Before.IsZero() && !p.After.IsZero(), p.After.IsZero() && !p.Before.IsZero(); {
	case newestFirst && onlyAfter:
		return c.Next("after", first)
	case newestFirst:
		return c.Next("before", last)
	case onlyBefore:
		return c.Next("before", first)
	}
	return c.Next("after", last)
}

// MembersQuery asks for a part of a list of ids.
type MembersQuery struct {
	Limit  int `query:"limit" default:"1000" doc:"At most 1000."`
	Before ID  `query:"before" doc:"Only who joined before this one."`
	After  ID  `query:"after" doc:"Only who joined after this one."`
}

func (m MembersQuery) Page() (queries.Members, error) {
	limit, err := Bounded(m.Limit)
	return queries.Members{Limit: limit, Before: m.Before.UUID, After: m.After.UUID}, err
}

// Bounded is the limit of a list: what is beyond the greatest is cut to it.
func Bounded(limit int) (int, error) {
	if limit < 0 {
		return 0, problem.Invalid("Invalid limit: %d is negative", limit)
	}
	return min(limit, queries.MaxLimit), nil
}

// List is an empty array rather than null.
func List[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}
