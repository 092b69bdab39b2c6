package httpapi

import (
	"annals/queries"
	"annals/transport/problem"
)

// PageQuery asks for a part of a list.
type PageQuery struct {
	Limit  int    `query:"limit" default:"1000" doc:"At most 1000."`
	Before moment `query:"before" doc:"Only what was made before."`
	After  moment `query:"after" doc:"Only what was made after."`
}

func (p PageQuery) page() (queries.Page, error) {
	limit, err := bounded(p.Limit)
	return queries.Page{Limit: limit, Before: p.Before.Time, After: p.After.Time}, err
}

// MembersQuery asks for a part of a list of ids.
type MembersQuery struct {
	Limit  int `query:"limit" default:"1000" doc:"At most 1000."`
	Before id  `query:"before" doc:"Only who joined before this one."`
	After  id  `query:"after" doc:"Only who joined after this one."`
}

func (m MembersQuery) page() (queries.Members, error) {
	limit, err := bounded(m.Limit)
	return queries.Members{Limit: limit, Before: m.Before.UUID, After: m.After.UUID}, err
}

// bounded is the limit of a list: what is beyond the greatest is cut to it.
func bounded(limit int) (int, error) {
	if limit < 0 {
		return 0, problem.Invalid("Invalid limit: %d is negative", limit)
	}
	return min(limit, queries.MaxLimit), nil
}

// list is an empty array rather than null.
func list[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}
