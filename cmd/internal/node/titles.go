package node

import (
	"context"

	"github.com/google/uuid"

	"annals/commands"
	"annals/commands/reactions"
	"annals/queries"
)

// titles lets the reactions name conversations.
type titles struct{ with reactions.Title }

// Title implements httpapi.Titles.
func (t titles) Title(
	ctx context.Context, r commands.Request, agent, channel uuid.UUID, messages []queries.Message,
) (string, commands.Result, error) {
	said := make([]reactions.Said, len(messages))
	for i, m := range messages {
		said[i] = reactions.Said{AuthorID: m.AuthorID, AuthorName: m.AuthorName, Content: m.Content}
	}
	return t.with.Of(ctx, r, agent, channel, said)
}
