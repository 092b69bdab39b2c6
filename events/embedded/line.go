package embedded

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Line is one event as exports hold it, one JSON object a line. Nothing is lost: what is not JSON in its shortest form
// stands as base64.
type Line struct {
	Position uint64    `json:"position"`
	Stream   string    `json:"stream"`
	Revision uint64    `json:"revision"`
	ID       uuid.UUID `json:"id"`
	Type     string    `json:"type"`
	JSON     bool      `json:"json"` // what the writer said of the data
	Created  time.Time `json:"created"`
	Data     Content   `json:"data"`
	Metadata Content   `json:"metadata"`
}

// Content is the bytes of an event. In JSON they are {"json": …} or {"base64": …}, and null when there are none.
type Content []byte

type contentForms struct {
	JSON   json.RawMessage `json:"json,omitempty"`
	Base64 []byte          `json:"base64,omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (c Content) MarshalJSON() ([]byte, error) {
	if len(c) == 0 {
		return []byte("null"), nil
	}
	if !compact(c) {
		return json.Marshal(contentForms{Base64: c})
	}
	return append(append([]byte(`{"json":`), c...), '}'), nil
}

// compact tells whether an encoder leaves the bytes as they are.
func compact(c []byte) bool {
	if !utf8.Valid(c) || bytes.ContainsAny(c, "\u2028\u2029") {
		return false
	}
	var b bytes.Buffer
	return json.Compact(&b, c) == nil && bytes.Equal(b.Bytes(), c)
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *Content) UnmarshalJSON(b []byte) error {
	var forms contentForms
	if err := json.Unmarshal(b, &forms); err != nil {
		return err
	}
	if *c = Content(forms.JSON); forms.JSON == nil {
		*c = Content(forms.Base64)
	}
	return nil
}

func (r *record) line() Line {
	return Line{
		Position: r.Position, Stream: r.Stream, Revision: uint64(r.Revision), ID: r.ID, Type: r.Type, JSON: r.JSON,
		Created: time.Unix(0, 0).Add(time.Duration(r.Created) * 100).UTC(), Data: r.Data, Metadata: r.Metadata,
	}
}

// record checks a line that comes from anywhere.
func (l Line) record() (*record, error) {
	var wrong error
	switch {
	case l.Position == 0 || l.Position > maxRevision:
		wrong = errors.New("the position is out of range")
	case l.Stream == "":
		wrong = errors.New("the stream is missing")
	case l.Revision > maxRevision:
		wrong = errors.New("the revision is out of range")
	case (l.Revision == maxRevision) != (l.Type == typeStreamDeleted):
		wrong = fmt.Errorf("only %s has the highest revision", typeStreamDeleted)
	case l.ID == uuid.Nil:
		wrong = errors.New("the id is missing")
	case l.Type == "":
		wrong = errors.New("the type is missing")
	case l.Created.Year() < 1970 || l.Created.Year() > 2200:
		wrong = errors.New("the date is out of range")
	}
	if wrong != nil {
		return nil, wrong
	}
	return &record{
		Position: l.Position, Stream: l.Stream, Revision: int64(l.Revision), ID: l.ID, Type: l.Type, JSON: l.JSON,
		Created: ticks(l.Created), Data: l.Data, Metadata: l.Metadata,
	}, nil
}
