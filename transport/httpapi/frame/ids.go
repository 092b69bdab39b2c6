package frame

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
)

// ParseIDs reads each, or none.
func ParseIDs(all []string) ([]uuid.UUID, error) {
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

// ID is an identifier in a path.
type ID struct{ uuid.UUID }

// UnmarshalText implements encoding.TextUnmarshaler.
func (i *ID) UnmarshalText(text []byte) (err error) {
	i.UUID, err = events.ParseID(string(text))
	return err
}

// Schema implements huma.SchemaProvider.
func (ID) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "uuid"}
}

// AnyID is an identifier in a path of which any text is taken: what is no identifier names nothing.
type AnyID struct {
	uuid.UUID

	named string
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (i *AnyID) UnmarshalText(text []byte) error {
	id, err := events.ParseID(string(text))
	i.UUID, i.named = id, string(text)
	if err == nil {
		i.named = id.String()
	}
	return nil
}

// String is the identifier as it was named. Of a long text it is the beginning.
func (i AnyID) String() string {
	if i.named == "" {
		return i.UUID.String()
	}
	return fmt.Sprintf("%.60s", i.named)
}

// Schema implements huma.SchemaProvider.
func (AnyID) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: huma.TypeString} }

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

// ServerNames is the server that a body names: message_server_id for clients of ElizaOS 1.7.2, server_id for those of 1.2.0.
type ServerNames struct {
	MessageServerID ServerText `json:"message_server_id" doc:"A UUID, or 0 for the default server."`
	ServerID        ServerText `json:"server_id" doc:"The same for clients of ElizaOS 1.2.0; message_server_id counts where a body has both."`
}

// NamesNone reports whether the body names no server.
func (n ServerNames) NamesNone() bool { return n.MessageServerID == "" && n.ServerID == "" }

// Server is the id of the server. It is an error where the body names none, or has something else than an id under either name.
func (n ServerNames) Server() (id uuid.UUID, err error) {
	if n.ServerID != "" || n.MessageServerID == "" {
		if id, err = events.ParseServerID(string(n.ServerID)); err != nil {
			return id, err
		}
	}
	if n.MessageServerID != "" {
		id, err = events.ParseServerID(string(n.MessageServerID))
	}
	return id, err
}

// Moment is a point in time in a query: milliseconds or seconds since 1970, or ISO-8601, of which a date alone is its beginning.
type Moment struct {
	time.Time
	date bool
}

// End is the last millisecond of a date alone, and otherwise the time.
func (m Moment) End() time.Time {
	if m.date {
		return m.AddDate(0, 0, 1).Add(-time.Millisecond)
	}
	return m.Time
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Moment) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	t, err := time.Parse(time.RFC3339Nano, s)
	if n, notNumber := strconv.ParseInt(s, 10, 64); notNumber == nil {
		if t, err = Since1970(n); n >= 1970 && n < 2200 {
			return fmt.Errorf("%d is a year, not a time", n)
		}
	} else if date, noDate := time.Parse(time.DateOnly, s); noDate == nil {
		t, err, m.date = date, nil, true
	}
	if y := t.UTC().Year(); err != nil || y < 1970 || y > 9999 {
		return errors.New("neither milliseconds nor seconds since 1970, nor an ISO-8601 time since then")
	}
	m.Time = t.UTC()
	return nil
}

// Since1970 reads a number of milliseconds, or of seconds where as many milliseconds would be between 1970-01-02 and March 1973,
// which as seconds is from March 1973 to the year 5138. A date that is written as a number, such as 20261130, is refused.
func Since1970(n int64) (time.Time, error) {
	const (
		leastSeconds = 100_000_000
		leastMillis  = 100_000_000_000
	)
	if n >= leastSeconds && n < leastMillis {
		return time.Unix(n, 0), nil
	}
	if _, err := time.Parse("20060102", strconv.FormatInt(n, 10)); err == nil {
		return time.Time{}, fmt.Errorf("%d is neither a number of milliseconds since 1970 nor one of seconds", n)
	}
	return time.UnixMilli(n), nil
}

// Schema implements huma.SchemaProvider.
func (Moment) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Description: "Milliseconds or seconds since 1970, or an ISO-8601 time or date."}
}

// Place is where in a list a page begins or ends: a time, or the id of something listed, which tells apart what is of one
// time, so that following it misses nothing.
type Place struct {
	Moment
	id uuid.UUID
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Place) UnmarshalText(text []byte) (err error) {
	if p.id, err = events.ParseID(string(text)); err == nil {
		return nil
	}
	if p.Moment.UnmarshalText(text) != nil {
		return errors.New("neither milliseconds nor an ISO-8601 time, nor an id")
	}
	return nil
}

// Schema implements huma.SchemaProvider.
func (Place) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Description: "Milliseconds since 1970, an ISO-8601 time, or the id of one in the list, which is exact where several are of the same time."}
}

// Between is the page between two places; find gives the time and the position of what has an id, if the list has it. A client that
// names no id pages by the times that it sees: its pages have whole milliseconds.
func Between(limit int, before, after Place, find func(uuid.UUID) (time.Time, events.Position, error)) (p queries.Page, err error) {
	if p.Limit, err = Bounded(limit); err != nil {
		return p, err
	}
	p.Before, p.After, p.WholeMillis = before.Time, after.Time, before.id == uuid.Nil && after.id == uuid.Nil
	if before.id != uuid.Nil {
		if p.Before, p.BeforePosition, err = find(before.id); err != nil {
			return p, err
		}
	}
	if after.id != uuid.Nil {
		p.After, p.AfterPosition, err = find(after.id)
	}
	return p, err
}
