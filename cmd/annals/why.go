package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/google/uuid"

	"annals/cmd/internal/node"
	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/history"
)

// Why is the command that tells how an agent dealt with a message, be it that it failed, ignored it or was stopped.
type Why struct {
	ID          idFlag `arg:"" help:"Id of an answer, of the message that was to be answered, or of a turn."`
	JSON        bool   `name:"json" help:"A line of JSON for each turn."`
	node.Places `embed:""`
}

// Run implements the command.
func (w *Why) Run(ctx context.Context) error {
	return readHistory(ctx, w.Places, func(b *node.Backends, log uuid.UUID, q *queries.Queries) error {
		turns, err := w.turns(ctx, history.Explainer{Log: log, Read: func(ctx context.Context, f queries.HistoryFilter) (all []events.Recorded, err error) {
			for raw, err := range q.WholeHistory(ctx, f) {
				if err != nil {
					return nil, err
				}
				e, err := b.Codec.Decode(ctx, raw)
				if err != nil {
					return nil, err
				}
				all = append(all, e)
			}
			return all, nil
		}})
		if err != nil {
			return err
		}
		for _, t := range turns {
			if err := w.tell(t); err != nil {
				return err
			}
		}
		return nil
	})
}

// turns finds what the id names: a turn, an answer, or a message with a turn of each agent that heard it.
func (w *Why) turns(ctx context.Context, x history.Explainer) ([]history.TurnWhy, error) {
	turn, err := x.Turn(ctx, w.ID.UUID)
	if !errors.Is(err, queries.ErrNotFound) {
		return []history.TurnWhy{turn}, err
	}
	answer, err := x.Answer(ctx, w.ID.UUID)
	if !errors.Is(err, queries.ErrNotFound) {
		return []history.TurnWhy{{Reply: &answer.Reply, Dealing: answer.Dealing}}, err
	}
	turns, err := x.Turns(ctx, w.ID.UUID)
	switch {
	case errors.Is(err, queries.ErrNotFound):
		return nil, fmt.Errorf("no message and no turn has the id %s", w.ID.UUID)
	case err == nil && len(turns) == 0:
		return nil, fmt.Errorf("no agent has dealt with message %s", w.ID.UUID)
	}
	return turns, err
}

func (w *Why) tell(t history.TurnWhy) error {
	if w.JSON {
		return json.NewEncoder(os.Stdout).Encode(t)
	}
	told := func(format string, args ...any) { fmt.Printf(format+"\n", args...) }
	if e := t.Turn; e == nil {
		told("the turn is not complete yet")
	} else {
		told("turn %s of agent %s, about message %s", e.TurnID, e.AgentID, e.MessageID)
		told("    outcome: %s%s", e.Outcome, reasonOf(e.Reason))
		told("    attempts %d, model %s, %d and %d tokens, %d ms; memories shown to it: %d",
			t.Attempts, e.Model, e.PromptTokens, e.CompletionTokens, e.DurationMillis, len(e.Memories))
	}
	if t.Reply != nil {
		told("    answer: %s", dataOf(*t.Reply))
	}
	if t.Abort != nil {
		told("    aborted %s by %s", clock(t.Abort.At), t.Abort.Actor)
	}
	for _, c := range t.Causes {
		told("because of %s %s, %s by %s\n    %s", c.Type, c.Stream, clock(c.At), c.Actor, dataOf(c))
	}
	told("because of the request %s, %s by %s", t.Request.ID, clock(t.Request.At), t.Request.Actor)
	for _, c := range t.Calls {
		told("%s, %s\n    %s", c.Type, clock(c.At), jsonLine(c))
	}
	return nil
}

func reasonOf(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + printable(reason)
}
