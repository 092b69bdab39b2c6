package socketio

import (
	"context"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
)

type abortion struct {
	ChannelID uuid.UUID     `json:"channelId"`
	Aborted   []abortedTurn `json:"aborted"`
}

type abortedTurn struct {
	TurnID    uuid.UUID `json:"turnId"`
	MessageID uuid.UUID `json:"messageId"`
	AgentID   uuid.UUID `json:"agentId"`
}

// abort ends what agents are about to answer in a channel: to one message where it is named, one agent's where it is.
func (e *event) abort(ctx context.Context) {
	p, _ := e.payload.(map[string]any)
	channel, err := events.ParseID(first(p, "channelId", "roomId"))
	if err != nil {
		e.refuse("For abort: channelId is required.")
		return
	}
	u := commands.Unwanted{Channel: channel, Recent: e.hub.Channels.RecentIn}
	for key, id := range map[string]*uuid.UUID{"messageId": &u.Message, "agentId": &u.Agent} {
		if given := text(p[key]); given != "" {
			if *id, err = events.ParseID(given); err != nil {
				e.refuse("For abort: the %s is no UUID.", key)
				return
			}
		}
	}
	turns, _, err := commands.AbortTurns(ctx, e.hub.Env, e.request(), u)
	if err != nil {
		e.failed("aborting an answer", err)
		return
	}
	done := abortion{ChannelID: channel, Aborted: []abortedTurn{}}
	for _, t := range turns {
		done.Aborted = append(done.Aborted, abortedTurn{events.TurnID(t.MessageID, t.AgentID), t.MessageID, t.AgentID})
	}
	e.acknowledge(done)
}
