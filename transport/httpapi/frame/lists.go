package frame

import (
	"annals/queries"
	"annals/transport/problem"
)

// PageQuery asks for a part of a list.
type PageQuery struct {
	Limit  int    `query:"limit" default:"1000" doc:"At most 1000."`
	Before Moment `query:"before" doc:"Only what was made before."`
	After  Moment `query:"after" doc:"Only what was made after."`
}

func (p PageQuery) Page() (queries.Page, error) {
	limit, err := Bounded(p.Limit)
	return queries.Page{Limit: limit, Before: p.Before.Time, After: p.After.Time}, err
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
