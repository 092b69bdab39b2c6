// Package problem maps errors to what clients of every transport are told: a status, a code and words.
package problem

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
	CodeInvalidID      = "INVALID_ID"
	CodeInvalidRequest = "INVALID_REQUEST"
	CodeInvalidInput   = "INVALID_INPUT"
	CodeContentType    = "INVALID_CONTENT_TYPE"
	CodeNotFound       = "NOT_FOUND"
	CodeNoMethod       = "METHOD_NOT_ALLOWED"
	CodeConflict       = "CONFLICT"
	CodeStale          = "PRECONDITION_FAILED"
	CodeTooLarge       = "PAYLOAD_TOO_LARGE"
	CodeFileType       = "INVALID_FILE_TYPE"
	CodeTimeout        = "REQUEST_TIMEOUT"
	CodeAuthRequired   = "AUTH_REQUIRED"
	CodeForbidden      = "FORBIDDEN"
	CodeRateLimited    = "RATE_LIMITED"
	CodeDatabase       = "DB_ERROR"
	CodeUnavailable    = "UNAVAILABLE"
	CodeInternal       = "INTERNAL_ERROR"
	CodeCreate         = "CREATE_ERROR"
	CodeValidation     = "VALIDATION_ERROR"
	CodeNoAgent        = "AGENT_NOT_FOUND"
	CodeNoSession      = "SESSION_NOT_FOUND"
	CodeSessionExpired = "SESSION_EXPIRED"
)

// Problem is an error as clients see it. It is the only thing that is ever said of one.
type Problem struct {
	Status int `json:"-"`
	// Beside has fields that stand at the top level, next to the error.
	Beside  any    `json:"-"`
	Code    string `json:"code" doc:"What is wrong, for programs."`
	Message string `json:"message" doc:"What is wrong, for people."`
	// Timestamp is when that was found, where ElizaOS tells it.
	Timestamp string `json:"timestamp,omitempty"`
	Details   any    `json:"details,omitempty" doc:"More about it."`
}

func (p *Problem) Error() string { return p.Message }

// MarshalJSON writes the envelope.
func (p *Problem) MarshalJSON() ([]byte, error) {
	type bare Problem // without this method
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
	{commands.ErrNotFound, http.StatusNotFound, CodeNotFound, ""},
	{queries.ErrNotFound, http.StatusNotFound, CodeNotFound, ""},
	{events.ErrErased, http.StatusNotFound, CodeNotFound, "What this is about was erased."},
	{commands.ErrRefused, http.StatusBadRequest, CodeInvalidRequest, ""},
	{commands.ErrEnded, http.StatusGone, CodeSessionExpired, ""},
	{commands.ErrStale, http.StatusPreconditionFailed, CodeStale, ""},
	{commands.ErrNameTaken, http.StatusConflict, CodeConflict, ""},
	{commands.ErrReused, http.StatusConflict, CodeConflict, ""},
	{events.ErrConflict, http.StatusConflict, CodeConflict, ""},
	{events.ErrInvalid, http.StatusBadRequest, CodeInvalidRequest, ""},
	{events.ErrReadOnly, http.StatusMethodNotAllowed, CodeNoMethod, "This server shows what was: nothing can be written here."},
	{events.ErrTooLarge, http.StatusRequestEntityTooLarge, CodeTooLarge, ""},
	{
		events.ErrKeysLost, http.StatusServiceUnavailable, CodeDatabase,
		"Keys of the log are lost. Nothing is written under new keys until an operator has restored them, or given them up.",
	},
	{events.ErrKeysUnreachable, http.StatusServiceUnavailable, CodeDatabase, "The keys of what is sealed cannot be read. Try again."},
	{
		events.ErrOtherLog, http.StatusServiceUnavailable, CodeDatabase,
		"The event store has another log than this server has seen. An operator has to decide: annals doctor says how.",
	},
	{events.ErrUnavailable, http.StatusServiceUnavailable, CodeDatabase, "The event store cannot be reached. Try again."},
	{events.ErrFull, http.StatusServiceUnavailable, CodeDatabase, "The disk of the event store is full. Try again when there is room."},
	{queries.ErrUnselective, http.StatusBadRequest, CodeInvalidRequest, "Invalid query: name a word that has to be there, besides those that must not."},
	{queries.ErrNoRoom, http.StatusTooManyRequests, CodeRateLimited, "Too many answers wait for this client to take them. Take these first."},
	{queries.ErrUnavailable, http.StatusServiceUnavailable, CodeDatabase, "The database cannot be reached. Try again."},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, CodeUnavailable, "The answer took too long. Try again."},
	{context.Canceled, http.StatusServiceUnavailable, CodeUnavailable, "The request was cut off."},
}

// Of gives what is said of an error; cause is what must be logged besides.
func Of(err error) (p *Problem, cause error) {
	if errors.As(err, &p) {
		return p, nil
	}
	for _, row := range table {
		if !errors.Is(err, row.is) {
			continue
		}
		p := &Problem{Status: row.status, Code: row.code, Message: row.message}
		if row.message == "" {
			p.Message = strings.TrimPrefix(err.Error(), commands.ErrRefused.Error()+": ")
		}
		if row.status < http.StatusInternalServerError {
			return p, nil
		}
		return p, err
	}
	return &Problem{Status: http.StatusInternalServerError, Code: CodeInternal, Message: "Something went wrong here. It was logged."}, err
}

// Explain gives what may be said of an error to clients of every transport; cause is what must be logged besides.
func Explain(err error) (message string, cause error) {
	p, cause := Of(err)
	return p.Message, cause
}

// New makes a problem; format and args are its message.
func New(status int, code, format string, args ...any) *Problem {
	return &Problem{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Invalid is a problem with what a client sent.
func Invalid(format string, args ...any) *Problem {
	return New(http.StatusBadRequest, CodeInvalidRequest, format, args...)
}
