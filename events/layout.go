package events

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/google/uuid"
)

// layout is how one type of event is written: the fields that anybody may read, and under "sealed", for each field that
// names a subject, what is under that subject's key. A field tagged `seal:"AuthorID"` is sealed for the subject in AuthorID; with
// `seal:"OpenedBy,optional"` an event without that subject has no such field; with `seal:"SubjectID,else=AuthorID"` the field of an
// event without a SubjectID is sealed for the author.
type layout struct {
	typ    reflect.Type
	clear  part
	sealed []part
	seal   int // index of the "sealed" field in the clear part, -1 without sealed fields
	// choice is the index of the subject that decides, of a type that has fields with an else, and otherwise -1; instead are the
	// parts of an event that lacks that subject.
	choice  int
	instead []part
}

// part is a struct type made of some of the event's fields.
type part struct {
	typ     reflect.Type
	fields  []int  // indices in the event
	subject int    // index of the subject's field in the event
	maybe   bool   // there may be no such subject: then nothing is sealed
	name    string // of the subject's field on the wire: two fields may hold the same subject
}

// sealing turns a part's text into what is stored for it.
type sealing func(subject uuid.UUID, text []byte) ([]byte, error)

func newLayout(t reflect.Type) *layout {
	l := &layout{typ: t, seal: -1, choice: -1}
	var clearFields []reflect.StructField
	for i := range t.NumField() {
		f := t.Field(i)
		tag, sealed := f.Tag.Lookup("seal")
		if !sealed {
			l.clear.fields = append(l.clear.fields, i)
			clearFields = append(clearFields, f)
		} else if subject, _, chooses := strings.Cut(tag, ",else="); chooses {
			l.choice = subjectField(t, subject).Index[0]
		}
	}
	if l.sealed = sealedParts(t, false); len(l.sealed) > 0 {
		l.seal = len(clearFields)
		clearFields = append(clearFields, reflect.StructField{
			Name: "Sealed", Type: reflect.TypeFor[map[string][]byte](), Tag: `json:"sealed"`,
		})
	}
	if l.choice >= 0 {
		l.instead = sealedParts(t, true)
	}
	l.clear.typ = reflect.StructOf(clearFields)
	return l
}

// sealedParts are the parts of a type by subject, in the order of the fields: of events that have the subject that the tags name
// first, or instead of those that lack it.
func sealedParts(t reflect.Type, instead bool) (parts []part) {
	bySubject := map[string][]int{}
	var order []string
	for i := range t.NumField() {
		tag, sealed := t.Field(i).Tag.Lookup("seal")
		if !sealed {
			continue
		}
		if first, other, chooses := strings.Cut(tag, ",else="); chooses {
			if tag = first; instead {
				tag = other
			}
		}
		if bySubject[tag] == nil {
			order = append(order, tag)
		}
		bySubject[tag] = append(bySubject[tag], i)
	}
	for _, tag := range order {
		parts = append(parts, sealedPart(t, tag, bySubject[tag]))
	}
	return parts
}

func subjectField(t reflect.Type, name string) reflect.StructField {
	s, ok := t.FieldByName(name)
	if !ok || s.Type != reflect.TypeFor[uuid.UUID]() {
		panic(fmt.Sprintf("%s: the tag seal names %q, which is no field with a subject's id", t, name))
	}
	return s
}

// partsOf are the sealed parts of an event whose subjects are known.
func (l *layout) partsOf(event reflect.Value) []part {
	if l.choice >= 0 && event.Field(l.choice).IsZero() {
		return l.instead
	}
	return l.sealed
}

func sealedPart(t reflect.Type, tag string, fields []int) part {
	subject, option, _ := strings.Cut(tag, ",")
	s := subjectField(t, subject)
	p := part{fields: fields, subject: s.Index[0], name: wireName(s), maybe: option == "optional"}
	var sf []reflect.StructField
	for _, i := range fields {
		sf = append(sf, t.Field(i))
	}
	p.typ = reflect.StructOf(sf)
	return p
}

// take copies the part's fields out of an event, put back into one.
func (p part) take(event, dst reflect.Value) {
	for to, from := range p.fields {
		dst.Field(to).Set(event.Field(from))
	}
}

func (p part) put(src, event reflect.Value) {
	for from, to := range p.fields {
		event.Field(to).Set(src.Field(from))
	}
}

func (p part) subjectOf(event reflect.Value) uuid.UUID {
	return event.Field(p.subject).Interface().(uuid.UUID)
}

// absent reports whether the event has no subject for this part.
func (p part) absent(event reflect.Value) bool { return p.maybe && p.subjectOf(event) == uuid.Nil }

func (l *layout) encode(e Event, seal sealing) ([]byte, error) {
	event := reflect.ValueOf(e)
	out := reflect.New(l.clear.typ).Elem()
	l.clear.take(event, out)
	if l.seal >= 0 {
		parts := l.partsOf(event)
		sealed := make(map[string][]byte, len(parts))
		for _, p := range parts {
			inner := reflect.New(p.typ).Elem()
			p.take(event, inner)
			text, err := json.Marshal(inner.Interface())
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
			}
			if p.absent(event) {
				if string(text) != "{}" {
					return nil, fmt.Errorf("%w: there is something to seal for %s, which is empty", ErrInvalid, p.name)
				}
				continue
			}
			if sealed[p.name], err = seal(p.subjectOf(event), text); err != nil {
				return nil, err
			}
		}
		out.Field(l.seal).Set(reflect.ValueOf(sealed))
	}
	data, err := json.Marshal(out.Interface())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return data, nil
}

func (l *layout) decode(ctx context.Context, s *seals, raw Raw, data []byte) (Event, error) {
	in := reflect.New(l.clear.typ)
	if err := readJSON(data, in.Interface()); err != nil {
		return nil, err
	}
	event := reflect.New(l.typ).Elem()
	l.clear.put(in.Elem(), event)
	if l.seal >= 0 {
		sealed := in.Elem().Field(l.seal).Interface().(map[string][]byte)
		for _, p := range l.partsOf(event) {
			if p.absent(event) {
				continue
			}
			if err := p.open(ctx, s, raw, sealed, event); err != nil {
				return nil, err
			}
		}
	}
	return event.Interface().(Event), nil
}

func (p part) open(ctx context.Context, s *seals, raw Raw, sealed map[string][]byte, event reflect.Value) error {
	inner := reflect.New(p.typ)
	text, missing, err := s.open(ctx, p.subjectOf(event), raw, sealed[p.name])
	switch {
	case err != nil:
		return err
	case missing == erased:
		replace(inner.Elem(), Erased)
	case missing == lost:
		replace(inner.Elem(), Lost)
	default:
		if err := readJSON(text, inner.Interface()); err != nil {
			return err
		}
	}
	p.put(inner.Elem(), event)
	return nil
}

const (
	// Erased is what a text reads as once its subject's key is destroyed.
	Erased = "[erased]"
	// Lost stands for a text if its key is missing although no erasure destroyed the key. The text is legible again once the key is back.
	Lost = "[lost]"
)

// replace fills every text in v, and free JSON that is tagged `erased:"text"`. All else is absent: a reader that expects an
// object or a list there never finds a text. What is lost is said in an object, too, where a tag names its member.
func replace(v reflect.Value, text string) {
	for i := range v.NumField() {
		switch f, tag := v.Field(i), v.Type().Field(i).Tag; {
		case f.Type() == reflect.TypeFor[json.RawMessage]():
			if tag.Get("erased") == "text" {
				f.SetBytes([]byte(`"` + text + `"`))
			} else if member := tag.Get("lost"); member != "" && text == Lost {
				f.SetBytes([]byte(`{"` + member + `":"` + text + `"}`))
			}
		case f.Kind() == reflect.String:
			f.SetString(text)
		case f.Kind() == reflect.Struct:
			replace(f, text)
		}
	}
}

// wireName is the name of a field in JSON.
func wireName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}
