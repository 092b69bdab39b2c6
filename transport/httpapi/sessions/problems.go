package sessions

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"annals/commands"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// refusal is an error as ElizaOS's sessions have it: with the time.
func (a *api) refusal(status int, code string, details any, format string, args ...any) error {
	p := problem.New(status, code, format, args...)
	p.Timestamp, p.Details = string(frame.ISO(a.Clock())), details
	return p
}

func (a *api) invalid(details any, format string, args ...any) error {
	return a.refusal(http.StatusBadRequest, problem.CodeValidation, details, format, args...)
}

// invalidPart says what is wrong with a part of a body.
func (a *api) invalidPart(part, reason string) error {
	return a.invalid(map[string]string{"reason": reason}, "Invalid %s: %s", part, reason)
}

// wrongTimeout are the details of a timeout configuration that is refused.
type wrongTimeout struct {
	Reason   string          `json:"reason"`
	Provided json.RawMessage `json:"providedConfig,omitempty"`
}

// echoed is what a client sent, where that is short.
func echoed(sent json.RawMessage) json.RawMessage {
	if len(sent) > 1000 {
		return nil
	}
	return sent
}

func (a *api) noSession(id frame.AnyID) error {
	return a.refusal(http.StatusNotFound, problem.CodeNoSession, nil, "Session with ID '%s' not found", id)
}

// goneFor is how long an expired session answers 410. After that it is not found.
const goneFor = 24 * time.Hour

func (a *api) expired(id frame.AnyID, at time.Time) error {
	if a.Clock().Sub(at) >= goneFor {
		return a.noSession(id)
	}
	return a.refusal(http.StatusGone, problem.CodeSessionExpired, nil, "Session '%s' expired at %s", id, frame.ISO(at))
}

// failed says what an error of a command means to the client of a session.
func (a *api) failed(c *frame.Call, id frame.AnyID, err error) error {
	switch {
	case errors.Is(err, commands.ErrEnded):
		s, loadErr := commands.LoadSession(c, a.Env, id.UUID)
		if loadErr != nil {
			return loadErr
		}
		return a.expired(id, s.Clock.ExpiresAt)
	case errors.Is(err, commands.ErrNotFound), errors.Is(err, queries.ErrNotFound):
		return a.noSession(id)
	}
	return err
}

// maxMetadata bounds the metadata of a session, and of a message in one, in bytes.
const maxMetadata = 10 << 10

func (a *api) fits(metadata json.RawMessage) error {
	if len(metadata) > maxMetadata {
		return a.invalidPart("metadata", "Metadata exceeds maximum size of 10240 bytes")
	}
	return nil
}
