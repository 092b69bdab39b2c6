package commands

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"annals/events"
)

// ChannelDefaults says how the channel of a message is made where there is none yet (CONTRACT 4.7, 5.3): from what the client says
// about it in the message's metadata.
type ChannelDefaults struct {
	// By names the way that the message came.
	By string
	// Target is the other one of a DM where the metadata names none.
	Target uuid.UUID
	// Metadata becomes the channel's, beside what is added to it.
	Metadata map[string]json.RawMessage
}

// SubmitOpening submits a message, in a channel that is made for it if there is none. Nothing is half done: a message that
// may not be recorded makes no channel.
func SubmitOpening(ctx context.Context, b Env, codec *events.Codec, r Request, m *SubmitMessage, o ChannelDefaults) (Result, error) {
	channel, err := b.States.Channel(ctx, m.ChannelID)
	if err != nil {
		return Result{}, err
	}
	if !channel.Exists {
		create, err := o.channel(r, m)
		if err != nil {
			return Result{}, err
		}
		m.byAgent, m.audience = true, create.Participants // no more than these
		if err := Fits(codec, r, m); err != nil {
			return Result{}, err
		}
		if _, err := Handle(ctx, b, r, create); err != nil {
			return Result{}, err
		}
	}
	return Handle(ctx, b, r, m)
}

// channel is one of two for a DM, otherwise a group.
func (o ChannelDefaults) channel(r Request, m *SubmitMessage) (CreateChannel, error) {
	kind, name, participants := "GROUP", "Chat ", []uuid.UUID{m.AuthorID}
	if truthy(o.says("isDm")) || o.says("channelType") == "DM" || o.says("channel_type") == "DM" {
		kind, name = "DM", "DM "
		if target := o.target(); target != uuid.Nil {
			participants = append(participants, target)
		}
	}
	metadata := map[string]any{
		"created_by": o.By, "created_for_user": m.AuthorID, "created_at": r.At.UTC().Format("2006-01-02T15:04:05.000Z"), "channel_type": kind,
	}
	for key, value := range o.Metadata {
		metadata[key] = value
	}
	raw, err := json.Marshal(metadata)
	return CreateChannel{
		ChannelID: m.ChannelID, ServerID: m.ServerID, Name: name + m.ChannelID.String()[:8], Type: kind,
		SourceType: "auto_created", Metadata: raw, Participants: participants,
	}, err
}

func (o ChannelDefaults) target() uuid.UUID {
	for _, key := range []string{"targetUserId", "recipientId"} {
		if text, ok := o.says(key).(string); ok {
			if id, err := events.ParseID(text); err == nil {
				return id
			}
		}
	}
	return o.Target
}

// truthy is what JavaScript takes for true.
func truthy(v any) bool { return v != nil && v != false && v != "" && v != 0.0 }

// says is the value under a key, nil for none.
func (o ChannelDefaults) says(key string) (value any) {
	if raw, ok := o.Metadata[key]; ok && json.Unmarshal(raw, &value) != nil {
		return nil
	}
	return value
}
