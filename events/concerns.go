package events

import (
	"reflect"
	"slices"
	"sync"

	"github.com/google/uuid"
)

// concerning are the fields that say whom an event is about, and where it happened: agents, persons, channels, rooms,
// worlds. Things with a stream of their own, such as messages, are found by it.
var concerning = []string{
	"AgentID", "AuthorID", "EntityID", "ParticipantID", "SubjectID", "Participants", "Audience", "ChannelID", "RoomID", "WorldID",
}

// Concerned lists, each once, the agents, persons, channels, rooms and worlds that an event is about.
func Concerned(e Event) []uuid.UUID {
	var found []uuid.UUID
	v := reflect.ValueOf(e)
	for _, i := range concerningIn(v.Type()) {
		ids := v.Field(i).Interface()
		if id, ok := ids.(uuid.UUID); ok {
			ids = []uuid.UUID{id}
		}
		for _, id := range ids.([]uuid.UUID) {
			if id != uuid.Nil && !slices.Contains(found, id) {
				found = append(found, id)
			}
		}
	}
	return found
}

var concerningFields sync.Map // of reflect.Type to []int

func concerningIn(t reflect.Type) []int {
	if known, ok := concerningFields.Load(t); ok {
		return known.([]int)
	}
	fields := []int{}
	for _, name := range concerning {
		f, ok := t.FieldByName(name)
		if ok && (f.Type == reflect.TypeFor[uuid.UUID]() || f.Type == reflect.TypeFor[[]uuid.UUID]()) {
			fields = append(fields, f.Index[0])
		}
	}
	concerningFields.Store(t, fields)
	return fields
}
