package httpapi

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"annals/events"
)

// parseIDs reads each, or none.
func parseIDs(all []string) ([]uuid.UUID, error) {
	out := make([]uuid.UUID, len(all))
	for i, s := range all {
		id, err := events.ParseID(s)
		if err != nil {
			return nil, err
		}
		out[i] = id
	}
	return out, nil
}

// id is an identifier in a path.
type id struct{ uuid.UUID }

// UnmarshalText implements encoding.TextUnmarshaler.
func (i *id) UnmarshalText(text []byte) (err error) {
	i.UUID, err = events.ParseID(string(text))
	return err
}

// Schema implements huma.SchemaProvider.
func (id) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "uuid"}
}

// serverID is the identifier of a server in a path.
type serverID struct{ uuid.UUID }

// UnmarshalText implements encoding.TextUnmarshaler.
func (i *serverID) UnmarshalText(text []byte) (err error) {
	i.UUID, err = events.ParseServerID(string(text))
	return err
}

// Schema implements huma.SchemaProvider.
func (serverID) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Description: "A UUID, or 0 for the default server."}
}

// moment is a point in time in a query: milliseconds since 1970, or ISO-8601.
type moment struct{ time.Time }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *moment) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	t, err := time.Parse(time.RFC3339Nano, s)
	if ms, notNumber := strconv.ParseInt(s, 10, 64); notNumber == nil {
		t, err = time.UnixMilli(ms), nil
	}
	if y := t.UTC().Year(); err != nil || y < 1 || y > 9999 {
		return errors.New("neither milliseconds nor an ISO-8601 time")
	}
	m.Time = t.UTC()
	return nil
}

// Schema implements huma.SchemaProvider.
func (moment) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Description: "Milliseconds since 1970, or an ISO-8601 time."}
}
