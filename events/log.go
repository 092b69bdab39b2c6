package events

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

var logEvents = []Event{LogOpened{}}

// LogOpened is the first fact of every log and gives it its identity: a position means something in one log only.
type LogOpened struct {
	LogID uuid.UUID `json:"logId"`
}

// EventType implements Event.
func (LogOpened) EventType() string { return "LogOpened" }

// LogStream holds LogOpened. There is one in a log.
const LogStream StreamID = "log-00000000-0000-0000-0000-000000000000"

// Token is a position as clients see it: opaque, and bound to its log. It is written "<log>.<n>".
type Token struct {
	Log      uuid.UUID
	Position Position
}

// String is the form that ParseToken reads.
func (t Token) String() string {
	return t.Log.String() + "." + strconv.FormatUint(uint64(t.Position), 10)
}

// ParseToken reads what String wrote.
func ParseToken(s string) (Token, error) {
	log, n, ok := strings.Cut(s, ".")
	if !ok {
		return Token{}, fmt.Errorf("position %q is not of the form <log>.<n>", s)
	}
	id, err := uuid.Parse(log)
	if err != nil {
		return Token{}, fmt.Errorf("position %q names no log: %w", s, err)
	}
	p, err := strconv.ParseUint(n, 10, 63)
	if err != nil {
		return Token{}, fmt.Errorf("position %q has no number: %w", s, err)
	}
	return Token{Log: id, Position: Position(p)}, nil
}

// MarshalText implements encoding.TextMarshaler.
func (t Token) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Token) UnmarshalText(text []byte) (err error) {
	*t, err = ParseToken(string(text))
	return err
}
