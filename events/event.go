// Package events is the language of Annals: what can have happened, in which stream, under which metadata, and how it
// is written down. Everything else speaks it; it depends on nothing else of ours.
package events

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Event is a fact. The name that EventType returns is the Go name of the type and the name on the wire, for ever.
type Event interface{ EventType() string }

// StreamID names a stream as "<noun>-<uuid>". EventStoreDB takes the text before the first dash as the category.
type StreamID string

// Stream is the id of the stream of one thing.
func Stream(noun string, id uuid.UUID) StreamID { return StreamID(noun + "-" + id.String()) }

// Category is the noun, as EventStoreDB's category projections see it.
func (s StreamID) Category() string {
	noun, _, _ := strings.Cut(string(s), "-")
	return noun
}

// Subject is the id of the thing that the stream is about, and uuid.Nil where the name carries none.
func (s StreamID) Subject() uuid.UUID {
	_, id, _ := strings.Cut(string(s), "-")
	u, err := uuid.Parse(id)
	if err != nil {
		return uuid.Nil
	}
	return u
}

// Position orders all facts of one log. It ascends strictly, starts above zero and may have gaps.
type Position uint64

// Revision is the number of an event in its stream, from 0, or NoStream: the stream is expected to be empty.
type Revision int64

// NoStream expects that nothing was ever written to the stream.
const NoStream Revision = -1

// Direction of reading.
type Direction int

// Reading directions: Forwards from the oldest, Backwards from the newest.
const (
	Forwards Direction = iota
	Backwards
)

// Filter narrows what is read from the whole log. Zero means every fact of ours; the store's own events (whose types
// begin with "$") are never shown. At most one of the two may be set.
type Filter struct {
	Types   []string // exact event types
	Streams []string // prefixes of stream names
}

// Metadata says who caused an event, when and why. The keys that begin with "$" are EventStoreDB's own.
type Metadata struct {
	Correlation uuid.UUID `json:"$correlationId"`
	Causation   uuid.UUID `json:"$causationId"`
	// Request is the id of the request that the fact was recorded for, Body a hash of what it carried, under the key of the
	// subject that it is about (see Codec.MAC). A repeated Idempotency-Key with another body has another hash.
	Request uuid.UUID `json:"request"`
	Body    string    `json:"body,omitempty"`
	Actor   string    `json:"actor"`
	At      time.Time `json:"at"`
	// Schema is the version of the payload, from 1.
	Schema int    `json:"schema"`
	Trace  string `json:"traceparent,omitempty"`
	// Hops counts how many agents stand between a person's act and this fact.
	Hops int `json:"hops,omitempty"`
}

// Proposed is a fact on its way into the log. The id makes appending it idempotent.
type Proposed struct {
	ID    uuid.UUID
	Event Event
	Meta  Metadata
	// Repeats is where in the log the words stand that the fact repeats. A subject of the fact that was erased since has it refused
	// with ErrErased. It is not recorded; 0 is for a fact that repeats nothing.
	Repeats Position
}

// Recorded is a fact in the log.
type Recorded struct {
	ID       uuid.UUID
	Stream   StreamID
	Revision uint64
	Position Position
	// Created is the store's clock; what happened when, as we tell it, is Meta.At.
	Created time.Time
	// Event is the decoded fact, or Unknown.
	Event Event
	Meta  Metadata
	// Stored is the fact as the store has it, personal text sealed. It is empty in what was not read from a store.
	Stored Encoded
}

// Unknown stands in for an event that this build cannot read: of a type that it does not know, or broken.
// Projections stop at it; it is never skipped.
type Unknown struct {
	Type   string
	Reason error
}

// EventType is the type as it was recorded.
func (u Unknown) EventType() string { return u.Type }

// What a Store answers besides success. Errors are wrapped with the stream or position that they are about.
var (
	// ErrConflict: the stream is not at the expected revision.
	ErrConflict = errors.New("the stream has moved on")
	// ErrUnavailable: the store did not answer in time. An append may or may not have happened; repeating it with the
	// same ids and expected revision is safe.
	ErrUnavailable = errors.New("the event store is unavailable")
	// ErrFull: the store has no room. It takes no facts until it has; none of these were recorded.
	ErrFull = errors.New("the event store is full")
	// ErrOtherLog: the store has another log than before, or one that lacks what it had. It is neither read nor written until
	// the right one is back, or an operator has decided. It comes with ErrUnavailable.
	ErrOtherLog = errors.New("the event store does not have the log that it had")
	// ErrReadOnly: the store shows what was, and takes nothing.
	ErrReadOnly = errors.New("the event store is read-only")
)

// Mark is the identity of an event by which a log is recognized.
type Mark struct {
	Log      uuid.UUID
	Position Position
	Event    uuid.UUID // uuid.Nil where only the position is known
}

// Store is the log. It is safe for concurrent use, and every call returns when its context ends.
type Store interface {
	// Append records the facts together or not at all, and returns the position of the last one. It fails with
	// ErrConflict, with ErrUnavailable or ErrFull, and with what the codec refuses (ErrInvalid, ErrTooLarge).
	Append(ctx context.Context, s StreamID, expect Revision, facts ...Proposed) (Position, error)
	// Read yields one stream, whole; nothing for one that does not exist.
	Read(ctx context.Context, s StreamID, dir Direction) iter.Seq2[Recorded, error]
	// ReadAll yields the log after from (forwards, exclusive) or before it (backwards, exclusive; 0 means from the end),
	// as far as it goes now.
	ReadAll(ctx context.Context, from Position, dir Direction, f Filter) iter.Seq2[Recorded, error]
	// Subscribe yields what comes after the position, for as long as the context lives. It resumes by itself, for ever,
	// after outages; an error that it yields tells of one, and iteration goes on.
	Subscribe(ctx context.Context, after Position, f Filter) iter.Seq2[Recorded, error]
	// Head is the position of the newest fact of ours, 0 in an empty log.
	Head(ctx context.Context) (Position, error)
}
