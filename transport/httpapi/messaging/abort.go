package messaging

import (
	"net/http"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

type unwanted struct {
	frame.ChannelPath
	Body *struct {
		MessageID frame.Text `json:"messageId" doc:"The message whose answers are not wanted; all recent ones if there is none."`
		AgentID   frame.Text `json:"agentId" doc:"The agent whose answer is not wanted; every agent if there is none."`
	}
}

type abortedTurns struct {
	Aborted []abortedTurn `json:"aborted"`
}

type abortedTurn struct {
	TurnID    uuid.UUID `json:"turnId"`
	MessageID uuid.UUID `json:"messageId"`
	AgentID   uuid.UUID `json:"agentId"`
}

// abortTurns answers with the turns that were under way or still to come. That each has ended is told as messageComplete.
func (a *api) abortTurns(c *frame.Call, in *unwanted) (abortedTurns, error) {
	u := commands.Unwanted{Channel: in.ChannelID.UUID, Recent: a.Queries.RecentIn}
	if b := in.Body; b != nil {
		for _, given := range []struct {
			name string
			text frame.Text
			id   *uuid.UUID
		}{{"messageId", b.MessageID, &u.Message}, {"agentId", b.AgentID, &u.Agent}} {
			if given.text == "" {
				continue
			}
			var err error
			if *given.id, err = events.ParseID(string(given.text)); err != nil {
				return abortedTurns{}, problem.New(http.StatusBadRequest, problem.CodeInvalidID, "Invalid %s format", given.name)
			}
		}
	}
	turns, last, err := commands.AbortTurns(c, a.Env, c.Request(), u)
	if err := c.Wrote(last, err); err != nil {
		return abortedTurns{}, err
	}
	done := abortedTurns{Aborted: []abortedTurn{}}
	for _, t := range turns {
		done.Aborted = append(done.Aborted, abortedTurn{events.TurnID(t.MessageID, t.AgentID), t.MessageID, t.AgentID})
	}
	return done, nil
}
