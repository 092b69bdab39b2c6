package events

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// MemoryStream is the stream of one memory of one agent.
func MemoryStream(id uuid.UUID) StreamID { return Stream("memory", id) }

// Tables that memories are kept in. Clients use others besides.
const (
	TableMessages  = "messages"
	TableDocuments = "documents"
	TableKnowledge = "knowledge" // fragments of documents
)

var memoryEvents = []Event{MemoryStored{}, MemoryUpdated{}, MemoryEmbedded{}, MemoryDeleted{}, DocumentAdded{}}

// MemoryStored: an agent remembers this from now on.
type MemoryStored struct {
	MemoryID uuid.UUID `json:"memoryId"`
	AgentID  uuid.UUID `json:"agentId"`
	RoomID   uuid.UUID `json:"roomId"`
	EntityID uuid.UUID `json:"entityId"`
	WorldID  uuid.UUID `json:"worldId,omitzero"`
	// SubjectID is whose text it is: who said it, where that is known, else the entity.
	SubjectID uuid.UUID       `json:"subjectId"`
	Table     string          `json:"table"`
	Content   json.RawMessage `json:"content" seal:"SubjectID" lost:"text"` // an object
	Metadata  json.RawMessage `json:"metadata,omitempty" seal:"SubjectID"`
	// Unique is false for what says the same as another memory.
	Unique bool `json:"unique,omitempty"`
	// ChannelID and MessageID are what it came from, and Said where in the log that was said: what was deleted or cleared
	// after that is not remembered, however late the memory comes.
	ChannelID uuid.UUID `json:"channelId,omitzero"`
	MessageID uuid.UUID `json:"messageId,omitzero"`
	Said      Position  `json:"said,omitempty"`
	// DocumentID is the document that this is a fragment of: it goes with it.
	DocumentID uuid.UUID `json:"documentId,omitzero"`
	// At is when it happened, where that is another time than that of the fact.
	At time.Time `json:"at,omitzero"`
}

// MemoryUpdated: content and metadata are these from now on, whole.
type MemoryUpdated struct {
	MemoryID  uuid.UUID       `json:"memoryId"`
	AgentID   uuid.UUID       `json:"agentId"`
	SubjectID uuid.UUID       `json:"subjectId"`
	Content   json.RawMessage `json:"content" seal:"SubjectID" lost:"text"`
	Metadata  json.RawMessage `json:"metadata,omitempty" seal:"SubjectID"`
}

// ModelGiven names the model of a vector that came with a request.
const ModelGiven = "given"

// MemoryEmbedded: this is the vector of the memory's text, as long as that is the text of TextHash.
type MemoryEmbedded struct {
	MemoryID   uuid.UUID `json:"memoryId"`
	AgentID    uuid.UUID `json:"agentId"`
	SubjectID  uuid.UUID `json:"subjectId"`
	Model      string    `json:"model"`
	Dimensions int       `json:"dimensions"`
	Vector     []byte    `json:"vector" seal:"SubjectID"` // float32, little-endian
	TextHash   string    `json:"textHash" seal:"SubjectID"`
	// RepeatOf is an earlier memory of the same table and room that says nearly the same, found when the vector was made.
	RepeatOf uuid.UUID `json:"repeatOf,omitzero"`
}

// MemoryDeleted: the agent no longer remembers it, nor its fragments if it is a document.
type MemoryDeleted struct {
	MemoryID uuid.UUID `json:"memoryId"`
	AgentID  uuid.UUID `json:"agentId"`
	// Forgotten is true for a document that the agent's character no longer names. What a client deleted is not learned again.
	Forgotten bool `json:"forgotten,omitempty"`
}

// DocumentAdded: the memory of the stream is a document that a client gave, and its fragments follow.
type DocumentAdded struct {
	MemoryID uuid.UUID `json:"memoryId"`
	AgentID  uuid.UUID `json:"agentId"`
}

// NamedDocumentID is the id of a document that an agent's character names by its path.
func NamedDocumentID(agent uuid.UUID, path string) uuid.UUID { return Derive(agent, "document", path) }

// FragmentID is the id of a part of a document, as long as the text of the whole has the hash.
func FragmentID(document uuid.UUID, position int, hash string) uuid.UUID {
	return Derive(document, "fragment", strconv.Itoa(position), hash)
}

// MemoryText is the text in the content of a memory.
func MemoryText(content json.RawMessage) string {
	var c struct {
		Text any `json:"text"` // clients may keep anything there
	}
	_ = json.Unmarshal(content, &c) // what has no text says nothing
	text, _ := c.Text.(string)
	return text
}

// HashText tells the texts apart that vectors belong to.
func HashText(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// EventType implements Event.
func (MemoryStored) EventType() string { return "MemoryStored" }

// EventType implements Event.
func (MemoryUpdated) EventType() string { return "MemoryUpdated" }

// EventType implements Event.
func (MemoryEmbedded) EventType() string { return "MemoryEmbedded" }

// EventType implements Event.
func (MemoryDeleted) EventType() string { return "MemoryDeleted" }

// EventType implements Event.
func (DocumentAdded) EventType() string { return "DocumentAdded" }
