package messaging

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// fewest messages are enough to name a conversation after; so many are read by default (CONTRACT 4.6).
const (
	fewest        = 4
	titleMessages = 50
)

// Titles names conversations: said is in the order of time. An empty title means that there is none.
type Titles interface {
	Title(ctx context.Context, r commands.Request, agent, channel uuid.UUID, said []queries.Message) (string, commands.Result, error)
}

type titleRequest struct {
	frame.ChannelPath
	Limit  int          `query:"limit" default:"50" doc:"How many messages are read; at most 1000."`
	Before frame.Moment `query:"before" doc:"Only what was said before."`
	Body   agentBody
}

type titleAnswer struct {
	Title     *string   `json:"title"`
	ChannelID uuid.UUID `json:"channelId"`
	Reason    string    `json:"reason,omitempty"`
}

// generateTitle stores no title; that the model was asked is in the agent's log.
func (a *api) generateTitle(c *frame.Call, in *titleRequest) (titleAnswer, error) {
	answer := titleAnswer{ChannelID: in.ChannelID.UUID}
	agent, err := events.ParseID(string(in.Body.AgentID))
	if err != nil {
		return answer, problem.Invalid("Valid agent ID is required")
	}
	limit, err := frame.Bounded(in.Limit)
	if err != nil {
		return answer, err
	}
	if err := c.Runs(agent); err != nil {
		return answer, err
	}
	newest, err := a.Queries.MessagesIn(c, in.ChannelID.UUID, queries.Page{Limit: limit, Before: in.Before.Time})
	if err != nil {
		return answer, err
	}
	if len(newest) < fewest {
		answer.Reason = "Not enough messages to generate a title"
		return answer, nil
	}
	said := make([]queries.Message, len(newest))
	for i, m := range newest {
		said[len(said)-1-i] = m
	}
	title, r, err := a.Titles.Title(c, c.Request(), agent, in.ChannelID.UUID, said)
	if err := c.Wrote(r, nil); err != nil {
		return answer, err
	}
	if err != nil {
		if _, known := problem.Of(err); known == nil {
			return answer, err
		}
		a.Logger.WarnContext(c, "no title", "channel", in.ChannelID.UUID, "error", err)
		return answer, problem.New(http.StatusServiceUnavailable, problem.CodeUnavailable, "The model gave no title. Try again.")
	}
	if title == "" {
		answer.Reason = "The model gave no title"
		return answer, nil
	}
	answer.Title = &title
	return answer, nil
}
