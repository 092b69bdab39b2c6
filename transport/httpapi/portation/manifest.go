package portation

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"maps"

	"github.com/google/uuid"
)

// heading reads the heading of an export, or one member of it. What others write under these names says nothing.
func (i *importing) heading(raw json.RawMessage) error {
	var read struct {
		Version    *int
		AgentID    *uuid.UUID
		ExportedAt *string
	}
	if json.Unmarshal(raw, &read) != nil {
		return nil
	}
	if read.Version != nil {
		i.headed, i.head.Version = true, *read.Version
	}
	if read.AgentID != nil {
		i.head.AgentID = *read.AgentID
	}
	if read.ExportedAt != nil {
		i.head.ExportedAt = *read.ExportedAt
	}
	if i.head.Version > exportVersion {
		return errFile{fmt.Sprintf("version %d of an export is newer than this server", i.head.Version)}
	}
	return nil
}

// verified holds what was read against the manifest, where there is one. Where they differ, records were changed, lost or added since
// the export.
func (i *importing) verified() error {
	if i.manifest == nil {
		return nil
	}
	var m manifest
	switch err := json.Unmarshal(i.manifest, &m); {
	case err != nil || m.Version < 1 || m.Checksum == "":
		return errFile{"the manifest is unreadable"}
	case m.Version > exportVersion:
		return errFile{fmt.Sprintf("version %d of an export is newer than this server", m.Version)}
	case m.Checksum != "sha256:"+hexOf(i.sum):
		return errFile{"the checksum differs: records were changed, lost or added since the export"}
	case !maps.Equal(m.Counts, i.counts):
		return errFile{fmt.Sprintf("the manifest counts %v, and there are %v", m.Counts, i.counts)}
	case i.head.AgentID != uuid.Nil && m.AgentID != uuid.Nil && m.AgentID != i.head.AgentID:
		return errFile{"the heading and the manifest name different agents"}
	}
	return nil
}

func hexOf(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }
