package events

import "github.com/google/uuid"

// TeeStream holds which roots the servers of a log have found.
func TeeStream(log uuid.UUID) StreamID { return Stream("tee", log) }

var teeEvents = []Event{TeeRootFound{}}

// TeeRootFound: a server has found the root that its keys derive from. A second one with another RootID shows that the machine, or what
// was kept on it, is another. The root itself is never recorded.
type TeeRootFound struct {
	TeeID uuid.UUID `json:"teeId"` // the id of the log
	// RootID is the beginning of a hash of PublicKey, which is that of the identity key.
	RootID    string `json:"rootId"`
	Root      string `json:"root"`     // software, tpm, sev-snp, dstack
	Evidence  string `json:"evidence"` // what vouches for the machine: none, tpm, tdx, sev-snp, dstack
	PublicKey string `json:"publicKey"`
}

// EventType implements Event.
func (TeeRootFound) EventType() string { return "TeeRootFound" }
