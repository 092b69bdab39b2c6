package live

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"annals/events"
)

// Filter says what a subscriber wants to hear; every member that is set must fit, and one of its values.
type Filter struct {
	Channels []uuid.UUID `json:"channels,omitempty"`
	Agents   []uuid.UUID `json:"agents,omitempty"`
	Types    []string    `json:"types,omitempty"`
	Streams  []string    `json:"streams,omitempty"` // names or, ending in a dash, categories
	Actors   []string    `json:"actors,omitempty"`  // as "key:default" or "agent:<id>"
	// Correlation names requests: only what they led to.
	Correlation oneOrMore `json:"correlation,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler. A part that does not exist is refused: without it the client would get every event.
func (f *Filter) UnmarshalJSON(text []byte) error {
	type parts Filter
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	return in.Decode((*parts)(f))
}

// oneOrMore are ids, of which one may stand for itself.
type oneOrMore []uuid.UUID

// UnmarshalJSON implements json.Unmarshaler.
func (o *oneOrMore) UnmarshalJSON(text []byte) error {
	var one uuid.UUID
	if bytes.HasPrefix(text, []byte(`"`)) {
		err := json.Unmarshal(text, &one)
		*o = oneOrMore{one}
		return err
	}
	return json.Unmarshal(text, (*[]uuid.UUID)(o))
}

// maxFilter bounds the values of one member.
const maxFilter = 1000

func (f Filter) tooLong() bool {
	return max(len(f.Channels), len(f.Agents), len(f.Types), len(f.Streams), len(f.Actors), len(f.Correlation)) > maxFilter
}

// fits tells whether the filter lets a fact pass.
func (f Filter) fits(e *fact) bool {
	return fitsAny(f.Types, func(t string) bool { return t == e.kind }) &&
		fitsAny(f.Streams, func(s string) bool {
			return s == string(e.stream) || strings.HasSuffix(s, "-") && strings.HasPrefix(string(e.stream), s)
		}) &&
		fitsAny(f.Actors, func(actor string) bool { return actor == e.meta.Actor }) &&
		fitsAny(f.Correlation, func(id uuid.UUID) bool { return id == e.meta.Correlation }) &&
		fitsAny(f.Channels, func(id uuid.UUID) bool { return slices.Contains(e.concerns.channels, id) }) &&
		fitsAny(f.Agents, func(id uuid.UUID) bool { return slices.Contains(e.concerns.agents, id) })
}

func fitsAny[T any](wanted []T, is func(T) bool) bool {
	return len(wanted) == 0 || slices.ContainsFunc(wanted, is)
}

// concerns are the channels and the agents that an event is about.
type concerns struct{ channels, agents []uuid.UUID }

// agentFields name agents, in every event. An author or a participant may be a person: no agent has the same id.
var agentFields = []string{"AgentID", "AuthorID", "ParticipantID", "Participants", "Audience"}

func concernsOf(e events.Event) concerns {
	return concerns{events.IDsIn(e, "ChannelID"), events.IDsIn(e, agentFields...)}
}

// public is the event as subscribers may see it: as queries show things, without secrets, however deep they are, and without
// vectors, which are given only to who asks for them.
func public(e events.Event) events.Event {
	t := reflect.TypeOf(e)
	if !hides(t) {
		return e
	}
	v := reflect.New(t).Elem()
	v.Set(reflect.ValueOf(e))
	conceal(v)
	public, _ := v.Interface().(events.Event)
	return public
}

// conceal empties every field of a struct that hides something, and those of the structs in it. What the struct shares with
// others stays as it is.
func conceal(v reflect.Value) {
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case !hides(f.Type()):
		case f.Kind() == reflect.Struct && f.Type() != reflect.TypeFor[events.Secret]():
			conceal(f)
		default:
			f.SetZero()
		}
	}
}

func hides(t reflect.Type) bool {
	switch {
	case t == reflect.TypeFor[events.Secret](), t == reflect.TypeFor[[]byte]():
		return true
	case t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]():
		for i := range t.NumField() {
			if hides(t.Field(i).Type) {
				return true
			}
		}
	case t.Kind() == reflect.Map, t.Kind() == reflect.Slice, t.Kind() == reflect.Pointer:
		return hides(t.Elem())
	}
	return false
}
