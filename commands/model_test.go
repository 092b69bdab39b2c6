package commands_test

import (
	"slices"

	"github.com/google/uuid"

	"annals/events"
)

// model is what random commands are expected to have led to: plain sets, which know nothing of facts and streams.
type model struct {
	agents   map[uuid.UUID]*modelAgent
	channels map[uuid.UUID]*modelChannel
	messages map[uuid.UUID]*modelMessage // those that are there
}

type modelAgent struct {
	running bool
	system  string
}

type modelChannel struct {
	name         string
	participants []uuid.UUID
}

type modelMessage struct {
	channel uuid.UUID
	content string
}

func newModel() *model {
	return &model{agents: map[uuid.UUID]*modelAgent{}, channels: map[uuid.UUID]*modelChannel{}, messages: map[uuid.UUID]*modelMessage{}}
}

// forget removes every message of a channel.
func (m *model) forget(channel uuid.UUID) {
	for id, message := range m.messages {
		if message.channel == channel {
			delete(m.messages, id)
		}
	}
}

// audience are the running agents that take part in a channel, the author excepted.
func (m *model) audience(channel, author uuid.UUID) []uuid.UUID {
	return slices.DeleteFunc(slices.Clone(m.channels[channel].participants), func(id uuid.UUID) bool {
		return id == author || m.agents[id] == nil || !m.agents[id].running
	})
}

// things are ids of one history: few, so that commands meet.
type things struct{ agents, people, channels, messages []uuid.UUID }

func newThings() things {
	space := uuid.New()
	some := func(n int, noun string) []uuid.UUID {
		ids := make([]uuid.UUID, n)
		for i := range ids {
			ids[i] = events.Derive(space, noun, string(rune('a'+i)))
		}
		return ids
	}
	return things{agents: some(2, "agent"), people: some(2, "person"), channels: some(2, "channel"), messages: some(3, "message")}
}
