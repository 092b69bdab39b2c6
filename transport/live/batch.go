package live

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"

	"annals/events"
)

// maxFrame is the size in bytes from which a frame takes no further fact.
const maxFrame = 1 << 20

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

// frame is a message with events, or with none. After it the client has been sent everything that fits up to the position.
type frame struct {
	text []byte
	upTo events.Position
}

// fact is an event on its way to subscribers, looked at and encoded once for all of them.
type fact struct {
	events.Recorded
	concerns *concerns
	text     []byte
}

func (e *fact) about() *concerns {
	if e.concerns == nil {
		c := concernsOf(e.Event)
		e.concerns = &c
	}
	return e.concerns
}

// batch are facts in the order of the log. It is not safe for concurrent use.
type batch struct {
	hub   *Hub
	facts []*fact
}

func (h *Hub) batch(list []events.Recorded) batch {
	b := batch{h, make([]*fact, len(list))}
	for i, e := range list {
		b.facts[i] = &fact{Recorded: e}
	}
	return b
}

// after leaves out what lies at a position or before it.
func (b batch) after(p events.Position) batch {
	i := slices.IndexFunc(b.facts, func(e *fact) bool { return e.Position > p })
	if i < 0 {
		i = len(b.facts)
	}
	return batch{b.hub, b.facts[i:]}
}

// since is the same for events.
func since(list []events.Recorded, p events.Position) []events.Recorded {
	i, _ := slices.BinarySearchFunc(list, p+1, func(e events.Recorded, p events.Position) int { return cmp.Compare(e.Position, p) })
	return list[i:]
}

// frames says what fits the subscription; none where nothing does. The last one reaches up to the given position.
func (b batch) frames(s *subscription, upTo events.Position) []frame {
	var (
		fits []*fact
		size int
		out  []frame
	)
	for _, e := range b.facts {
		if !s.filter.fits(e) {
			continue
		}
		if size > 0 && size+len(b.encode(e)) > maxFrame {
			p := fits[len(fits)-1].Position
			out = append(out, frame{b.hub.frame(s, fits, p), p})
			fits, size = nil, 0
		}
		fits = append(fits, e)
		size += len(b.encode(e))
	}
	if len(fits) > 0 {
		out = append(out, frame{b.hub.frame(s, fits, upTo), upTo})
	}
	return out
}

// encode is the fact as subscribers see it.
func (b batch) encode(e *fact) []byte {
	if e.text == nil {
		e.text = b.hub.encode(struct {
			Position    string          `json:"position"`
			Type        string          `json:"type"`
			Stream      events.StreamID `json:"stream"`
			At          time.Time       `json:"at"`
			Actor       string          `json:"actor"`
			Correlation uuid.UUID       `json:"correlation"`
			Data        events.Event    `json:"data"`
		}{b.hub.token(e.Position), e.Event.EventType(), e.Stream, e.Meta.At, e.Meta.Actor, e.Meta.Correlation, public(e.Event)})
	}
	return e.text
}

func (h *Hub) frame(s *subscription, facts []*fact, upTo events.Position) []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	if s.id != "" {
		b.WriteString(`"id":`)
		b.Write(h.encode(s.id))
		b.WriteByte(',')
	}
	b.WriteString(`"position":"` + h.token(upTo) + `","events":[`)
	for i, e := range facts {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(e.text)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

// pulse is a frame without facts.
func (h *Hub) pulse(s *subscription, upTo events.Position) []byte { return h.frame(s, nil, upTo) }

func (h *Hub) encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil { // an event that the codec accepted can be encoded
		h.Logger.Error("what a subscriber is told could not be encoded", "error", err)
		return []byte("null")
	}
	return text
}
