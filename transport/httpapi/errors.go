package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

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
	status int
	// beside has fields that stand at the top level, next to the error.
	beside  any
	Code    string `json:"code" doc:"What is wrong, for programs."`
	Message string `json:"message" doc:"What is wrong, for people."`
	Details any    `json:"details,omitempty" doc:"More about it."`
}

func (p *problem) Error() string { return p.Message }

// GetStatus implements huma.StatusError.
func (p *problem) GetStatus() int { return p.status }

// ContentType implements huma.ContentTypeFilter: what huma refuses is answered as everything is.
func (p *problem) ContentType(string) string { return contentType[0] }

// MarshalJSON writes the envelope.
func (p *problem) MarshalJSON() ([]byte, error) {
	type bare problem // without this method
	whole, err := json.Marshal(struct {
		Success bool  `json:"success"`
		Error   *bare `json:"error"`
	}{false, (*bare)(p)})
	if err != nil || p.beside == nil {
		return whole, err
	}
	fields, err := json.Marshal(p.beside)
	if err != nil {
		return nil, err
	}
	return append(append(whole[:len(whole)-1], ','), fields[1:]...), nil
}

// Schema implements huma.SchemaProvider: the envelope of an error.
func (*problem) Schema(r huma.Registry) *huma.Schema {
	text := &huma.Schema{Type: huma.TypeString}
	return &huma.Schema{Type: huma.TypeObject, Required: []string{"success", "error"}, Properties: map[string]*huma.Schema{
		"success": {Type: huma.TypeBoolean, Enum: []any{false}},
		"error": {Type: huma.TypeObject, Required: []string{"code", "message"}, Properties: map[string]*huma.Schema{
			"code": text, "message": text, "details": {},
		}},
	}}
}

// table says what an error means to a client. The text of one that is a client's doing says what to do; all others have
// a text of ours, and their cause is logged.
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
		if row.message != "" {
			return &problem{status: row.status, Code: row.code, Message: row.message}, err
		}
		return &problem{status: row.status, Code: row.code, Message: strings.TrimPrefix(err.Error(), commands.ErrRefused.Error()+": ")}, nil
	}
	return &problem{status: http.StatusInternalServerError, Code: codeInternal, Message: "Something went wrong here. It was logged."}, err
}

// Explain gives what may be said of an error to clients of every transport; cause is what must be logged besides.
func Explain(err error) (message string, cause error) {
	p, cause := problemOf(err)
	return p.Message, cause
}

func refusal(status int, code, format string, args ...any) *problem {
	return &problem{status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *problem {
	return refusal(http.StatusBadRequest, codeInvalidRequest, format, args...)
}

var (
	errNoRoute  = refusal(http.StatusNotFound, codeNotFound, "API endpoint not found")
	errNoMethod = refusal(http.StatusMethodNotAllowed, codeNoMethod, "This path does not know that method.")
	// ErrReadOnly refuses a write where only what was is served.
	ErrReadOnly    = refusal(http.StatusMethodNotAllowed, codeNoMethod, "This server shows what was: nothing can be written here.")
	errContentType = refusal(http.StatusBadRequest, codeContentType, "Invalid or missing Content-Type header")
	errSlowBody    = refusal(http.StatusRequestTimeout, codeTimeout, "The body did not arrive in time.")
	errTooLarge    = refusal(http.StatusRequestEntityTooLarge, codeTooLarge, "The body is larger than %d bytes.", maxBody)
)

// refuse answers with an error and ends the request.
func (a *API) refuse(g *gin.Context, err error) {
	p, cause := problemOf(err)
	if cause != nil && !errors.Is(cause, context.Canceled) {
		a.o.Logger.Error("request failed", "route", g.Request.Method+" "+g.FullPath(), "status", p.status, "error", cause)
	}
	if p.status == http.StatusServiceUnavailable {
		g.Header("Retry-After", "2")
	}
	body, err := json.Marshal(p)
	if err != nil { // details that are no JSON
		body, _ = json.Marshal(&problem{Code: p.Code, Message: p.Message})
	}
	g.Abort()
	write(g, p.status, body)
}

// What huma itself refuses (an id in the path, a query, a body that is no JSON) gets our envelope.
func init() {
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		if len(errs) > 0 {
			return misread(errs[0])
		}
		return refusal(max(status, http.StatusBadRequest), codeInvalidRequest, "Invalid request: %s", message)
	}
}

// misread says which part of a request could not be read.
func misread(err error) *problem {
	var at huma.ErrorDetailer
	if !errors.As(err, &at) {
		return invalid("Invalid request: %s", err)
	}
	d := at.ErrorDetail()
	where, name, _ := strings.Cut(d.Location, ".")
	switch where {
	case "path":
		return refusal(http.StatusBadRequest, codeInvalidID, "Invalid %s format", name)
	case "body":
		return invalid("Invalid body: %s", d.Message)
	}
	return invalid("Invalid %s: %s", name, d.Message)
}
