package live

import (
	"cmp"
	"encoding/json"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/transport/limits"
)

const (
	// maxFrame is the size in bytes from which a frame takes no further event. A slow client has writeTime for one.
	maxFrame = 256 << 10
	// frameCost is about what a frame has around its events.
	frameCost = 128
)

// reply is a message to a client without events. ID is the client's name for the subscription, if it gave one; exactly one
// of the other fields is set.
type reply struct {
	ID           string   `json:"id,omitempty"`
	Subscribed   *Filter  `json:"subscribed,omitempty"`
	Unsubscribed bool     `json:"unsubscribed,omitempty"`
	CaughtUp     string   `json:"caughtUp,omitempty"`
	Reset        string   `json:"reset,omitempty"`
	Error        *refusal `json:"error,omitempty"`
}

type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// frame is a message to one client or to many. After one with events, or without any, the client has been sent everything
// that fits up to the position.
type frame struct {
	text []byte
	upTo events.Position
	// share is what a frame of a replay counts for; a live one counts for all clients.
	share *limits.Share
	// queues are those that it waits in.
	queues atomic.Int32
}

// fact is an event on its way to subscribers, looked at and encoded once for all of them.
type fact struct {
	id       uuid.UUID
	position events.Position
	stream   events.StreamID
	revision uint64
	recorded time.Time
	event    events.Event // nil once it is encoded
	kind     string
	meta     events.Metadata
	concerns concerns
	text     []byte
}

func newFact(e events.Recorded) *fact {
	return &fact{
		id: e.ID, position: e.Position, stream: e.Stream, revision: e.Revision, recorded: e.Created.UTC(), event: e.Event,
		kind: e.Event.EventType(), meta: e.Meta, concerns: concernsOf(e.Event),
	}
}

// encoded makes the event as subscribers see it. From then on it does not change.
func (h *Hub) encoded(e *fact) *fact {
	if e.text == nil {
		e.text = h.encode(struct {
			ID          uuid.UUID       `json:"id"`
			Position    string          `json:"position"`
			Type        string          `json:"type"`
			Stream      events.StreamID `json:"stream"`
			Revision    uint64          `json:"revision"`
			At          time.Time       `json:"at"`
			RecordedAt  time.Time       `json:"recordedAt"`
			Actor       string          `json:"actor"`
			Correlation uuid.UUID       `json:"correlation"`
			Causation   uuid.UUID       `json:"causation"`
			Data        events.Event    `json:"data"`
		}{
			e.id, h.token(e.position), e.kind, e.stream, e.revision, e.meta.At, e.recorded, e.meta.Actor, e.meta.Correlation,
			e.meta.Causation, public(e.event),
		})
		e.event = nil
	}
	return e
}

// behind leaves out what lies at a position or before it.
func behind(facts []*fact, p events.Position) []*fact {
	i, _ := slices.BinarySearchFunc(facts, p+1, func(e *fact, p events.Position) int { return cmp.Compare(e.position, p) })
	return facts[i:]
}

// since is the same for events.
func since(list []events.Recorded, p events.Position) []events.Recorded {
	i, _ := slices.BinarySearchFunc(list, p+1, func(e events.Recorded, p events.Position) int { return cmp.Compare(e.Position, p) })
	return list[i:]
}

// frames says what fits the subscription; none where nothing does. The last one reaches up to the given position.
func (h *Hub) frames(s *subscription, facts []*fact, upTo events.Position) []*frame {
	var (
		fits []*fact
		size int
		out  []*frame
	)
	for _, e := range facts {
		if !s.filter.fits(e) {
			continue
		}
		n := len(h.encoded(e).text)
		if size > 0 && size+n > maxFrame {
			out = append(out, h.frame(s, fits, fits[len(fits)-1].position))
			fits, size = nil, 0
		}
		fits = append(fits, e)
		size += n
	}
	if len(fits) > 0 {
		out = append(out, h.frame(s, fits, upTo))
	}
	return out
}

func (h *Hub) frame(s *subscription, facts []*fact, upTo events.Position) *frame {
	size := frameCost + len(s.id)
	for _, e := range facts {
		size += len(e.text) + 1
	}
	b := make([]byte, 0, size)
	b = append(b, '{')
	if s.id != "" {
		b = append(append(append(b, `"id":`...), h.encode(s.id)...), ',')
	}
	b = append(append(append(b, `"position":"`...), h.token(upTo)...), `","events":[`...)
	for i, e := range facts {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, e.text...)
	}
	return &frame{text: append(b, `]}`...), upTo: upTo}
}

// pulse is a frame without events.
func (h *Hub) pulse(s *subscription, upTo events.Position) *frame { return h.frame(s, nil, upTo) }

// replied is a frame of a reply.
func (h *Hub) replied(r reply) *frame { return &frame{text: h.encode(r)} }

func (h *Hub) encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil { // an event that the codec accepted can be encoded
		h.Logger.Error("what a subscriber is told could not be encoded", "error", err)
		return []byte("null")
	}
	return text
}
