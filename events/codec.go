package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/google/uuid"
)

// MaxSize bounds an encoded payload, in bytes: 900 KiB, under the store's limit of 1 MiB for an append.
const MaxSize = 900 << 10

// What the codec refuses.
var (
	// ErrInvalid: a value that may not become an event; the text names it.
	ErrInvalid = errors.New("not acceptable")
	// ErrTooLarge: the payload exceeds MaxSize.
	ErrTooLarge = errors.New("too large")
)

// catalogue lists every type of event that this build reads and writes.
var catalogue = []Event{
	LogOpened{},
	AgentCreated{}, AgentUpdated{}, AgentStarted{}, AgentStopped{}, AgentDeleted{},
	ServerCreated{}, AgentJoinedServer{}, AgentLeftServer{},
	ChannelCreated{}, ChannelUpdated{}, ParticipantJoined{}, ParticipantLeft{}, ChannelCleared{}, ChannelDeleted{},
	MessageSubmitted{}, MessageEdited{}, MessageDeleted{},
	TurnCompleted{},
}

// Encoded is a fact as the store keeps it: JSON, personal text sealed.
type Encoded struct {
	ID       uuid.UUID
	Type     string
	Data     []byte
	Metadata []byte
}

// Raw is a recorded fact as the store gives it back.
type Raw struct {
	Encoded
	Stream   StreamID
	Revision uint64
	Position Position
	Created  time.Time
}

// Codec turns facts into what the store keeps and back. It is the one place where payloads are validated, sealed and
// upcast. It is safe for concurrent use.
type Codec struct {
	seals *seals
	types map[string]*layout
}

// NewCodec seals under the given keys.
func NewCodec(keys Keys) *Codec {
	c := &Codec{seals: newSeals(keys), types: make(map[string]*layout, len(catalogue))}
	for _, e := range catalogue {
		c.types[e.EventType()] = newLayout(reflect.TypeOf(e))
	}
	return c
}

// Check tells whether the fact may be recorded, without recording anything.
func (c *Codec) Check(e Event) error {
	if err := validate(e); err != nil {
		return fmt.Errorf("%s: %w", e.EventType(), err)
	}
	data, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", e.EventType(), ErrInvalid, err)
	}
	// What is sealed grows by a third in base64.
	if size := len(data) * 4 / 3; size > MaxSize {
		return fmt.Errorf("%s: %w: about %d bytes, at most %d", e.EventType(), ErrTooLarge, size, MaxSize)
	}
	return nil
}

// Encode validates and seals. A new subject's key is durable when it returns.
func (c *Codec) Encode(ctx context.Context, p Proposed) (Encoded, error) {
	typ := p.Event.EventType()
	l, ok := c.types[typ]
	if !ok {
		return Encoded{}, fmt.Errorf("%s: %w: no such type in the catalogue", typ, ErrInvalid)
	}
	if err := validate(p.Event); err != nil {
		return Encoded{}, fmt.Errorf("%s: %w", typ, err)
	}
	data, err := l.encode(ctx, c.seals, p.ID, p.Event)
	if err != nil {
		return Encoded{}, fmt.Errorf("%s: %w", typ, err)
	}
	if len(data) > MaxSize {
		return Encoded{}, fmt.Errorf("%s: %w: %d bytes, at most %d", typ, ErrTooLarge, len(data), MaxSize)
	}
	p.Meta.Schema = currentSchema(typ)
	meta, err := json.Marshal(p.Meta)
	if err != nil {
		return Encoded{}, fmt.Errorf("%s: metadata: %w: %w", typ, ErrInvalid, err)
	}
	return Encoded{ID: p.ID, Type: typ, Data: data, Metadata: meta}, nil
}

// Decode upcasts and opens. What cannot be understood comes back as Unknown; the error is for keys that cannot be
// reached now.
func (c *Codec) Decode(ctx context.Context, r Raw) (Recorded, error) {
	out := Recorded{ID: r.ID, Stream: r.Stream, Revision: r.Revision, Position: r.Position, Created: r.Created}
	if err := json.Unmarshal(r.Metadata, &out.Meta); err != nil {
		out.Event = Unknown{Type: r.Type, Reason: fmt.Errorf("metadata: %w", err)}
		return out, nil
	}
	typ, data, err := upcast(r.Type, out.Meta.Schema, r.Data)
	if err != nil {
		out.Event = Unknown{Type: r.Type, Reason: err}
		return out, nil
	}
	l, ok := c.types[typ]
	if !ok {
		out.Event = Unknown{Type: r.Type, Reason: errors.New("this build does not know the type")}
		return out, nil
	}
	out.Event, err = l.decode(ctx, c.seals, r.ID, data)
	if errors.Is(err, errKeysUnreachable) {
		return Recorded{}, fmt.Errorf("%s at %d: %w", r.Type, r.Position, err)
	}
	if err != nil {
		out.Event = Unknown{Type: r.Type, Reason: err}
	}
	return out, nil
}
