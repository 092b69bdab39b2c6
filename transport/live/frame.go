package live

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"annals/events"
)

// frame is one message to a client; exactly one of its members is set, Events beside Position.
type frame struct {
	Subscribed   *Filter  `json:"subscribed,omitempty"`
	Unsubscribed bool     `json:"unsubscribed,omitempty"`
	Position     string   `json:"position,omitempty"`
	Events       *[]fact  `json:"events,omitempty"`
	CaughtUp     string   `json:"caughtUp,omitempty"`
	Reset        string   `json:"reset,omitempty"`
	Error        *refusal `json:"error,omitempty"`
}

type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// fact is an event as subscribers see it.
type fact struct {
	Position string          `json:"position"`
	Type     string          `json:"type"`
	Stream   events.StreamID `json:"stream"`
	At       time.Time       `json:"at"`
	Actor    string          `json:"actor"`
	Data     events.Event    `json:"data"`
}

// Filter says what a subscriber wants to hear; every member that is set must fit, and one of its values.
type Filter struct {
	Channels []uuid.UUID `json:"channels,omitempty"`
	Agents   []uuid.UUID `json:"agents,omitempty"`
	Types    []string    `json:"types,omitempty"`
	Streams  []string    `json:"streams,omitempty"` // names or, ending in a dash, categories
}

// maxFilter bounds the values of one member.
const maxFilter = 1000

func (f Filter) tooLong() bool {
	return max(len(f.Channels), len(f.Agents), len(f.Types), len(f.Streams)) > maxFilter
}

// fits tells whether the filter lets an event pass.
func (f Filter) fits(e events.Recorded) bool {
	channel, agents := concerns(e.Event)
	return fitsAny(f.Types, func(t string) bool { return t == e.Event.EventType() }) &&
		fitsAny(f.Channels, func(id uuid.UUID) bool { return id == channel }) &&
		fitsAny(f.Agents, func(id uuid.UUID) bool { return slices.Contains(agents, id) }) &&
		fitsAny(f.Streams, func(s string) bool {
			return s == string(e.Stream) || strings.HasSuffix(s, "-") && strings.HasPrefix(string(e.Stream), s)
		})
}

func fitsAny[T any](wanted []T, is func(T) bool) bool {
	return len(wanted) == 0 || slices.ContainsFunc(wanted, is)
}

// concerns names the channel and the agents that an event is about.
func concerns(e events.Event) (channel uuid.UUID, agents []uuid.UUID) {
	switch e := e.(type) {
	case events.AgentCreated:
		return channel, []uuid.UUID{e.AgentID}
	case events.AgentUpdated:
		return channel, []uuid.UUID{e.AgentID}
	case events.AgentStarted:
		return channel, []uuid.UUID{e.AgentID}
	case events.AgentStopped:
		return channel, []uuid.UUID{e.AgentID}
	case events.AgentDeleted:
		return channel, []uuid.UUID{e.AgentID}
	case events.AgentJoinedServer:
		return channel, []uuid.UUID{e.AgentID}
	case events.AgentLeftServer:
		return channel, []uuid.UUID{e.AgentID}
	case events.ChannelCreated:
		return e.ChannelID, e.Participants
	case events.ChannelUpdated:
		return e.ChannelID, nil
	case events.ParticipantJoined:
		return e.ChannelID, []uuid.UUID{e.ParticipantID}
	case events.ParticipantLeft:
		return e.ChannelID, []uuid.UUID{e.ParticipantID}
	case events.ChannelCleared:
		return e.ChannelID, nil
	case events.ChannelDeleted:
		return e.ChannelID, nil
	case events.MessageSubmitted:
		return e.ChannelID, append([]uuid.UUID{e.AuthorID}, e.Audience...)
	case events.MessageEdited:
		return e.ChannelID, []uuid.UUID{e.AuthorID}
	case events.MessageDeleted:
		return e.ChannelID, nil
	case events.TurnCompleted:
		return e.ChannelID, []uuid.UUID{e.AgentID}
	}
	return channel, nil
}

// public is the event without what no subscriber may see.
func public(e events.Event) events.Event {
	switch e := e.(type) {
	case events.AgentCreated:
		e.Character.Secrets = nil
		return e
	case events.AgentUpdated:
		e.Character.Secrets = nil
		return e
	}
	return e
}
