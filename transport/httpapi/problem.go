package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"annals/commands"
	"annals/events"
	"annals/queries"
)

// Codes of errors, as clients see them (DECISIONS, "Everywhere").
const (
	codeInvalidID      = "INVALID_ID"
	codeInvalidRequest = "INVALID_REQUEST"
	codeContentType    = "INVALID_CONTENT_TYPE"
	codeNotFound       = "NOT_FOUND"
	codeNoMethod       = "METHOD_NOT_ALLOWED"
	codeConflict       = "CONFLICT"
	codeStale          = "PRECONDITION_FAILED"
	codeTooLarge       = "PAYLOAD_TOO_LARGE"
	codeFileType       = "INVALID_FILE_TYPE"
	codeTimeout        = "REQUEST_TIMEOUT"
	codeAuthRequired   = "AUTH_REQUIRED"
	codeForbidden      = "FORBIDDEN"
	codeRateLimited    = "RATE_LIMITED"
	codeDatabase       = "DB_ERROR"
	codeUnavailable    = "UNAVAILABLE"
	codeInternal       = "INTERNAL_ERROR"
	codeCreate         = "CREATE_ERROR"
)

// problem is an error as clients see it. It is the only thing that is ever said of one.
type problem struct {
	Status int `json:"-"`
	// Beside has fields that stand at the top level, next to the error.
	Beside  any    `json:"-"`
	Code    string `json:"code" doc:"What is wrong, for programs."`
	Message string `json:"message" doc:"What is wrong, for people."`
	Details any    `json:"details,omitempty" doc:"More about it."`
}

func (p *problem) Error() string { return p.Message }

// MarshalJSON writes the envelope.
func (p *problem) MarshalJSON() ([]byte, error) {
	type bare problem // without this method
	whole, err := json.Marshal(struct {
		Success bool  `json:"success"`
		Error   *bare `json:"error"`
	}{false, (*bare)(p)})
	if err != nil || p.Beside == nil {
		return whole, err
	}
	fields, err := json.Marshal(p.Beside)
	if err != nil {
		return nil, err
	}
	return append(append(whole[:len(whole)-1], ','), fields[1:]...), nil
}

// table says what an error means to a client. Where it has no text of ours, that of the error says what to do. The cause of
// what is not the client's doing is logged.
var table = []struct {
	is      error
	status  int
	code    string
	message string
}{
	{commands.ErrNotFound, http.StatusNotFound, codeNotFound, ""},
	{queries.ErrNotFound, http.StatusNotFound, codeNotFound, ""},
	{commands.ErrRefused, http.StatusBadRequest, codeInvalidRequest, ""},
	{commands.ErrStale, http.StatusPreconditionFailed, codeStale, ""},
	{commands.ErrReused, http.StatusConflict, codeConflict, ""},
	{events.ErrConflict, http.StatusConflict, codeConflict, ""},
	{events.ErrInvalid, http.StatusBadRequest, codeInvalidRequest, ""},
	{events.ErrReadOnly, http.StatusMethodNotAllowed, codeNoMethod, "This server shows what was: nothing can be written here."},
	{events.ErrTooLarge, http.StatusRequestEntityTooLarge, codeTooLarge, ""},
	{events.ErrKeysUnreachable, http.StatusServiceUnavailable, codeDatabase, "The keys of what is sealed cannot be read. Try again."},
	{events.ErrUnavailable, http.StatusServiceUnavailable, codeDatabase, "The event store cannot be reached. Try again."},
	{events.ErrFull, http.StatusServiceUnavailable, codeDatabase, "The disk of the event store is full. Try again when there is room."},
	{queries.ErrUnavailable, http.StatusServiceUnavailable, codeDatabase, "The database cannot be reached. Try again."},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, codeUnavailable, "The answer took too long. Try again."},
	{context.Canceled, http.StatusServiceUnavailable, codeUnavailable, "The request was cut off."},
}

// problemOf gives what is said of an error; cause is what must be logged besides.
func problemOf(err error) (p *problem, cause error) {
	if errors.As(err, &p) {
		return p, nil
	}
	for _, row := range table {
		if !errors.Is(err, row.is) {
			continue
		}
		p := &problem{Status: row.status, Code: row.code, Message: row.message}
		if row.message == "" {
			p.Message = strings.TrimPrefix(err.Error(), commands.ErrRefused.Error()+": ")
		}
		if row.status < http.StatusInternalServerError {
			return p, nil
		}
		return p, err
	}
	return &problem{Status: http.StatusInternalServerError, Code: codeInternal, Message: "Something went wrong here. It was logged."}, err
}

// Explain gives what may be said of an error to clients of every transport; cause is what must be logged besides.
func Explain(err error) (message string, cause error) {
	p, cause := problemOf(err)
	return p.Message, cause
}

func refusal(status int, code, format string, args ...any) *problem {
	return &problem{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *problem {
	return refusal(http.StatusBadRequest, codeInvalidRequest, format, args...)
}
