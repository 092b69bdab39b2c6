package history

import (
	"fmt"

	"github.com/google/uuid"

	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
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
}

// historyTree shows the facts of a correlation by what led to what.
func (a *api) historyTree(c *frame.Call, in *HistoryPath) (historyTree, error) {
	if err := c.Here("read the history"); err != nil {
		return historyTree{}, err
	}
	facts, err := a.decoded(c, queries.HistoryFilter{Correlation: in.ID.UUID})
	switch {
	case err != nil:
		return historyTree{}, err
	case len(facts) == 0:
		return historyTree{}, fmt.Errorf("request %s %w", in.ID.UUID, queries.ErrNotFound)
	case len(facts) > maxStory:
		return historyTree{}, problem.Invalid("%s led to more than %d facts: read them from /api/history/events", in.ID.UUID, maxStory)
	}
	t := historyTree{Correlation: in.ID.UUID, Events: len(facts)}
	byID := map[uuid.UUID]*cause{}
	for _, e := range facts {
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
