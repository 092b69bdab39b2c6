package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
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

// catalogue lists every type of event that this build reads and writes. Each file of events has its part.
var catalogue = slices.Concat(
	logEvents,
	agentEvents,
	serverEvents,
	channelEvents,
	messageEvents,
	turnEvents,
	sessionEvents,
	jobEvents,
	worldEvents,
	roomEvents,
	entityEvents,
	memoryEvents,
	agentLogEvents,
	fileEvents,
	environmentEvents,
	parkedEvents,
	subjectEvents,
	teeEvents,
)

// Catalogue is a zero value of every type of event that this build reads and writes.
func Catalogue() []Event { return slices.Clone(catalogue) }

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
	seals     *seals
	types     map[string]*layout
	upcasters upcasters
}

// NewCodec seals under the given keys.
func NewCodec(keys Keys) *Codec {
	return &Codec{seals: newSeals(keys), types: maps.Clone(layouts()), upcasters: released}
}

// layouts are those of the catalogue, by type.
var layouts = sync.OnceValue(func() map[string]*layout {
	all := make(map[string]*layout, len(catalogue))
	for _, e := range catalogue {
		all[e.EventType()] = newLayout(reflect.TypeOf(e))
	}
	return all
})

// Check reports whether a codec would encode the event. It makes no key.
func Check(e Event) error {
	_, err := layouts()[e.EventType()].payload(e, func(_ uuid.UUID, text []byte) ([]byte, error) { return make([]byte, sealedSize(text)), nil })
	return err
}

// Encode validates and seals. A new subject's key is durable when it returns.
func (c *Codec) Encode(ctx context.Context, p Proposed) (Encoded, error) {
	typ := p.Event.EventType()
	data, err := c.types[typ].payload(p.Event, func(subject uuid.UUID, text []byte) ([]byte, error) {
		return c.seals.seal(ctx, subject, p.ID, text, p.Repeats)
	})
	if err != nil {
		return Encoded{}, err
	}
	p.Meta.Schema = c.upcasters.current(typ)
	if err := validate(p.Meta, "metadata"); err != nil {
		return Encoded{}, fmt.Errorf("%s: %w", typ, err)
	}
	meta, err := json.Marshal(p.Meta)
	if err != nil {
		return Encoded{}, fmt.Errorf("%s: metadata: %w: %w", typ, ErrInvalid, err)
	}
	return Encoded{ID: p.ID, Type: typ, Data: data, Metadata: meta}, nil
}

// Types returns the types of events that this build knows, sorted.
func Types() []string { return slices.Sorted(maps.Keys(layouts())) }

// payload validates and encodes an event of the layout's type; nil is the layout of an unknown type.
func (l *layout) payload(e Event, seal sealing) ([]byte, error) {
	typ := e.EventType()
	if l == nil || l.typ != reflect.TypeOf(e) {
		return nil, fmt.Errorf("%s: %w: %T is no type of the catalogue", typ, ErrInvalid, e)
	}
	if err := validate(e, ""); err != nil {
		return nil, fmt.Errorf("%s: %w", typ, err)
	}
	data, err := l.encode(e, seal)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", typ, err)
	}
	if len(data) > MaxSize {
		return nil, fmt.Errorf("%w: a %s has at most %d bytes in the log, where sealed text takes a third more; this one has %d", ErrTooLarge, typ, MaxSize, len(data))
	}
	return data, nil
}

// Decode upcasts and opens. What cannot be understood comes back as Unknown; the error is for keys that cannot be
// reached now.
func (c *Codec) Decode(ctx context.Context, r Raw) (Recorded, error) {
	out := Recorded{ID: r.ID, Stream: r.Stream, Revision: r.Revision, Position: r.Position, Created: r.Created, Stored: r.Encoded}
	if err := readJSON(r.Metadata, &out.Meta); err != nil {
		out.Event = Unknown{Type: r.Type, Reason: fmt.Errorf("metadata: %w", err)}
		return out, nil
	}
	typ, data, err := c.upcasters.lift(r.Type, out.Meta.Schema, r.Data)
	if err != nil {
		out.Event = Unknown{Type: r.Type, Reason: err}
		return out, nil
	}
	l, ok := c.types[typ]
	if !ok {
		out.Event = Unknown{Type: r.Type, Reason: errors.New("this build does not know the type")}
		return out, nil
	}
	out.Event, err = l.decode(ctx, c.seals, r, data)
	if errors.Is(err, ErrKeysUnreachable) {
		return Recorded{}, fmt.Errorf("%s at %d: %w", r.Type, r.Position, err)
	}
	if err != nil {
		out.Event = Unknown{Type: r.Type, Reason: err}
	}
	return out, nil
}
