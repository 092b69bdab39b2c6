package history

import (
	"fmt"

	"github.com/google/uuid"

	"annals/queries"
	"annals/transport/httpapi/frame"
)

// cause is a fact with what it led to.
type cause struct {
	Fact
	Caused []*cause `json:"caused,omitempty" doc:"What it led to, in the order of the log."`
}

type historyTree struct {
	Correlation uuid.UUID `json:"correlation"`
	Events      int       `json:"events"`
	Tree        []*cause  `json:"tree" doc:"What no fact of these led to: what the request itself recorded, first of all."`
	Next        string    `json:"next,omitempty" doc:"Where there may be more: the after of the next page, whose facts may have been led to by these."`
}

type treeQuery struct {
	HistoryPath
	Limit int    `query:"limit" default:"1000" doc:"At most 1000 facts."`
	After string `query:"after" doc:"A position: what comes after it."`
}

// historyTree shows the facts of a correlation by what led to what.
func (a *api) historyTree(c *frame.Call, in *treeQuery) (historyTree, error) {
	if err := c.Here("read the history"); err != nil {
		return historyTree{}, err
	}
	limit, err := frame.Bounded(in.Limit)
	if err != nil {
		return historyTree{}, err
	}
	after, err := a.place("after", in.After)
	if err != nil {
		return historyTree{}, err
	}
	facts, err := a.Queries.History(c, queries.HistoryFilter{Correlation: in.ID.UUID, After: after}, limit)
	switch {
	case err != nil:
		return historyTree{}, err
	case len(facts) == 0 && limit > 0 && after == 0:
		return historyTree{}, fmt.Errorf("request %s %w", in.ID.UUID, queries.ErrNotFound)
	}
	t := historyTree{Correlation: in.ID.UUID, Events: len(facts), Tree: []*cause{}}
	if n := len(facts); n > 0 {
		last := a.TokenOf(facts[n-1].Position)
		if t.Next = c.Next("after", last); n == limit {
			t.Next = last
		}
	}
	byID := map[uuid.UUID]*cause{}
	for _, raw := range facts {
		e, err := a.Codec.Decode(c, raw)
		if err != nil {
			return historyTree{}, err
		}
		one := &cause{Fact: a.fact(e)}
		if parent := byID[e.Meta.Causation]; parent != nil { // a cause comes first in the log
			parent.Caused = append(parent.Caused, one)
		} else {
			t.Tree = append(t.Tree, one)
		}
		byID[e.ID] = one
	}
	return t, nil
}
