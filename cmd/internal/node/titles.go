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
	said, authors := make([]reactions.Said, len(messages)), map[uuid.UUID]uuid.UUID{}
	for i, m := range messages {
		authors[m.ID] = m.AuthorID
		said[i] = reactions.Said{AuthorID: m.AuthorID, AuthorName: m.AuthorName, Content: m.Content, SubjectID: m.AuthorID, Position: m.Submitted}
		if m.ByAgent && m.InReplyTo != nil {
			said[i].SubjectID = authors[*m.InReplyTo]
		}
	}
	return t.with.Of(ctx, r, agent, channel, said)
}
