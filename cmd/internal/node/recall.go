package node

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"annals/commands/reactions"
	"annals/events"
	"annals/queries"
)

// recall lets agents remember what they are spoken to about.
type recall struct {
	queries *queries.Queries
	model   searched
}

// Recall implements reactions.Recall. Where the model cannot be asked, the words have to do.
func (r recall) Recall(ctx context.Context, agent uuid.UUID, text string, n int) ([]reactions.Recalled, error) {
	s := queries.Search{Agent: agent, Words: text, Plain: true, Limit: n}
	if asked, others, err := r.model.Asked(ctx, text); err == nil {
		s.Meaning, s.Others, s.Threshold = asked, others, new(asked.Near)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	found, err := r.queries.Recollect(ctx, s)
	if err != nil {
		return nil, err
	}
	all := make([]reactions.Recalled, len(found))
	for i, f := range found {
		all[i] = reactions.Recalled{MemoryID: f.ID, Source: source(f), Text: f.Text, At: f.At, Score: f.Score}
	}
	return all, nil
}

// source is where a memory is from, in words.
func source(f queries.Recollection) string {
	switch {
	case f.Title != "":
		return fmt.Sprintf("from %q", f.Title)
	case f.Table == events.TableMessages:
		return "from a conversation"
	}
	return "from " + f.Table
}
