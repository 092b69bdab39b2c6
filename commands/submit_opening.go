package commands

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"
)

// ChannelDefaults says how the channel of a message is made where there is none yet (CONTRACT 4.7, 5.3).
type ChannelDefaults struct {
	// By names the way that the message came.
	By string
	// DM makes it a channel of two: the author, and Target where there is one. Otherwise it is a group.
	DM     bool
	Target uuid.UUID
	// Metadata becomes the channel's, beside what is added to it. It is sealed for the author: it has their name.
	Metadata map[string]json.RawMessage
}

// Submit submits a message at a time after that of the last one in its channel, as far as this process knows it: clients page by time.
func Submit(ctx context.Context, env Env, r Request, m SubmitMessage) (Result, error) {
	r.At = env.States.times.next(m.ChannelID, r.At)
	return Handle(ctx, env, r, m)
}

// SubmitOpening submits a message, in a channel that is made for it if there is none: a message that
// may not be recorded makes no channel. Its time is that of Submit.
func SubmitOpening(ctx context.Context, env Env, r Request, m SubmitMessage, d ChannelDefaults) (Result, error) {
	channel, err := env.States.Channel(ctx, m.ChannelID)
	if err != nil {
		return Result{}, err
	}
	if channel.Exists {
		return Submit(ctx, env, r, m)
	}
	r.At = env.States.times.next(m.ChannelID, r.At)
	create, err := d.channel(r, m)
	if err != nil {
		return Result{}, err
	}
	return HandleBoth(ctx, env, r, create, m)
}

func (d ChannelDefaults) channel(r Request, m SubmitMessage) (CreateChannel, error) {
	kind, name, participants := "GROUP", "Chat ", []uuid.UUID{m.AuthorID}
	if d.DM {
		kind, name = "DM", "DM "
		if d.Target != uuid.Nil {
			participants = append(participants, d.Target)
		}
	}
	metadata := map[string]any{
		"created_by": d.By, "created_for_user": m.AuthorID, "created_at": r.At.UTC().Format("2006-01-02T15:04:05.000Z"), "channel_type": kind,
	}
	raw, err := json.Marshal(metadata)
	if err != nil {
		return CreateChannel{}, err
	}
	var opening json.RawMessage
	openedBy := uuid.Nil
	if len(d.Metadata) > 0 {
		openedBy = m.AuthorID
		opening, err = json.Marshal(d.Metadata)
	}
	return CreateChannel{
		ChannelID: m.ChannelID, ServerID: m.ServerID, Name: name + m.ChannelID.String()[:8], Type: kind,
		SourceType: "auto_created", Metadata: raw, Participants: participants,
		OpenedBy: openedBy, Opening: opening,
	}, err
}
