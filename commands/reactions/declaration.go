package reactions

import (
	"context"
	"time"

	"annals/commands"
	"annals/events"
)

// Declaration describes a reaction: what it is given, and how. All that runs, lists or counts reactions goes by it.
type Declaration struct {
	// Name is that of the group of subscribers that it is fed by, of its parked events, and of its metrics and lines in the
	// log. It never changes: with another name it would be given every event again.
	Name string
	// Types are the events that are delivered to it.
	Types []string
	// Partition returns what deliveries have in common that are dealt with one after another, in the order of the log.
	Partition func(events.Recorded) string
	// AtOnce bounds the partitions that are dealt with at the same time.
	AtOnce func(Ports) int
	// Budget bounds everything that is done for one delivery, repetitions included. What fails for good, or for longer, is
	// parked under the reaction's name.
	Budget time.Duration
	// Make returns what deals with the deliveries.
	Make func(Ports) Reaction
}

// All is every reaction of this build.
func All() []Declaration { return []Declaration{replying, embedding, remembering, endingJobs} }

// Reaction deals with what is delivered to one group.
type Reaction interface {
	// To deals with a fact. After an error it can be called again: what was done is passed over.
	To(ctx context.Context, e events.Recorded) error
	// GiveUp records, where somebody waits for it, that To failed for good. The delivery is parked after it.
	GiveUp(ctx context.Context, e events.Recorded, err error) error
}

// worker is a reaction that has to do something all the time that it runs.
type worker interface{ work(context.Context) }

// Ports is what the reactions of a server use.
type Ports struct {
	Env       commands.Env
	Models    Models
	History   History
	Recall    Recall
	Knowledge Knowledge
	Embedder  Embedder
	Repeats   Repeats
	// EmbedsHere: the embedder computes in this process.
	EmbedsHere bool
	Aborts     *Aborts
	Stream     func(events.Chunk)
	Asked      func(ctx context.Context, kind, provider string, began time.Time, said Completion, err error)
	Now        func() time.Time
}

// channelsAtOnce bounds the channels in which agents think, or remember, at the same time.
const channelsAtOnce = 16

// place is the channel that an event is of, or else its stream.
func place(e events.Recorded) string {
	switch f := e.Event.(type) {
	case events.MessageSubmitted:
		return f.ChannelID.String()
	case events.MessageEdited:
		return f.ChannelID.String()
	case events.TurnCompleted:
		return f.ChannelID.String()
	}
	return string(e.Stream)
}
