package events

import (
	"encoding/json"

	"github.com/google/uuid"
)

// EntityStream is the stream of one entity: of somebody as one agent knows them.
func EntityStream(id uuid.UUID) StreamID { return Stream("entity", id) }

var entityEvents = []Event{EntitySeen{}}

// EntitySeen: the agent knows somebody, under these names, from now on. Names and metadata are whole.
type EntitySeen struct {
	EntityID uuid.UUID `json:"entityId"`
	AgentID  uuid.UUID `json:"agentId"`
	// SubjectID is who it is for everybody, where that is known, else the entity.
	SubjectID uuid.UUID       `json:"subjectId"`
	Names     []string        `json:"names,omitempty" seal:"SubjectID"`
	Metadata  json.RawMessage `json:"metadata,omitempty" seal:"SubjectID"`
}

// EventType implements Event.
func (EntitySeen) EventType() string { return "EntitySeen" }
