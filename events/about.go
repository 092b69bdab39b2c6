package events

import (
	"reflect"
	"slices"
	"sync"

	"github.com/google/uuid"
)

// aboutFields are the fields that name the subjects and places of an event: agents, persons, channels, rooms, worlds.
// Things with a stream of their own, such as messages, are found by it.
var aboutFields = []string{
	"AgentID", "AuthorID", "UserID", "EntityID", "ParticipantID", "SubjectID", "Participants", "Audience", "ChannelID", "RoomID", "WorldID",
}

// About lists, each once, the agents, persons, channels, rooms and worlds that an event is about.
func About(e Event) []uuid.UUID {
	var found []uuid.UUID
	for _, id := range IDsIn(e, aboutFields...) {
		if id != uuid.Nil && !slices.Contains(found, id) {
			found = append(found, id)
		}
	}
	return found
}

// IDsIn lists the ids in those of the named fields that the event has, in the order of the names.
func IDsIn(e Event, names ...string) []uuid.UUID {
	var found []uuid.UUID
	v := reflect.ValueOf(e)
	fields := idFieldsOf(v.Type())
	for _, name := range names {
		i, ok := fields[name]
		if !ok {
			continue
		}
		switch ids := v.Field(i).Interface().(type) {
		case uuid.UUID:
			found = append(found, ids)
		case []uuid.UUID:
			found = append(found, ids...)
		}
	}
	return found
}

var idFields sync.Map // from reflect.Type to map[string]int

// idFieldsOf are the fields of a type that hold ids, with their indexes.
func idFieldsOf(t reflect.Type) map[string]int {
	if known, ok := idFields.Load(t); ok {
		return known.(map[string]int)
	}
	fields := map[string]int{}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type == reflect.TypeFor[uuid.UUID]() || f.Type == reflect.TypeFor[[]uuid.UUID]() {
			fields[f.Name] = i
		}
	}
	idFields.Store(t, fields)
	return fields
}
