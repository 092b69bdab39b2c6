package events

import "github.com/google/uuid"

// FileStream is the stream of one uploaded file.
func FileStream(id uuid.UUID) StreamID { return Stream("file", id) }

// Owners of files: what a file was uploaded for, or who made it.
const (
	FileOfAgent     = "agent"
	FileOfChannel   = "channel"
	FileByGenerator = "generated" // made by the agent that OwnerID names
)

var fileEvents = []Event{FileUploaded{}, FileDeleted{}}

// FileUploaded: a file is there for its owner. Its bytes are in the blob store, under their hash, since before this fact.
type FileUploaded struct {
	FileID  uuid.UUID `json:"fileId"`
	Owner   string    `json:"owner"`
	OwnerID uuid.UUID `json:"ownerId"`
	// Filename is the name under which it is served, which says nothing of Name, what whoever uploaded it calls it.
	Filename string `json:"filename"`
	Name     string `json:"name,omitempty" seal:"OwnerID"`
	// Type is the MIME type that was found in the bytes, SHA256 their hash in hexadecimal digits.
	Type   string `json:"type"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	// Width and Height are those of a picture, in pixels.
	Width  int `json:"width,omitempty"`
	Height int `json:"height,omitempty"`
}

// FileDeleted: the file is gone, and its bytes too once no other file has the same.
type FileDeleted struct {
	FileID uuid.UUID `json:"fileId"`
}

// EventType implements Event.
func (FileUploaded) EventType() string { return "FileUploaded" }

// EventType implements Event.
func (FileDeleted) EventType() string { return "FileDeleted" }
