package httpapi

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"annals/events"
)

// parseID reads 8-4-4-4-12 hexadecimal digits of either case and any version (CONTRACT 1.3).
func parseID(s string) (uuid.UUID, error) {
	id, err := uuid.Parse(s)
	if err != nil || len(s) != 36 {
		return uuid.Nil, fmt.Errorf("%.40q is no UUID", s)
	}
	return id, nil
}

// parseServer is parseID where "0" is the default server.
func parseServer(s string) (uuid.UUID, error) {
	if s == "0" {
		return events.DefaultServer, nil
	}
	return parseID(s)
}

// parseIDs reads each, or none.
func parseIDs(all []string) ([]uuid.UUID, error) {
	out := make([]uuid.UUID, len(all))
	for i, s := range all {
		id, err := parseID(s)
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
	i.UUID, err = parseID(string(text))
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
	i.UUID, err = parseServer(string(text))
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
