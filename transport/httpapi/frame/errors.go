package frame

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"annals/events"
	"annals/transport/problem"
)

var (
	ErrNoRoute     = problem.New(http.StatusNotFound, problem.CodeNotFound, "API endpoint not found")
	errNoMethod    = problem.New(http.StatusMethodNotAllowed, problem.CodeNoMethod, "This path does not know that method.")
	errContentType = problem.New(http.StatusBadRequest, problem.CodeContentType, "Invalid or missing Content-Type header")
	errSlowBody    = problem.New(http.StatusRequestTimeout, problem.CodeTimeout, "The body did not arrive in time.")
	errTooLarge    = problem.New(http.StatusRequestEntityTooLarge, problem.CodeTooLarge, "The body is larger than %d bytes.", MaxBody)
)

// errReadOnly refuses a write where only what was is served.
var errReadOnly, _ = problem.Of(events.ErrReadOnly)

// refuse answers with an error and ends the request.
func (a *API) refuse(g *gin.Context, err error) {
	p, cause := problem.Of(err)
	if cause != nil && !errors.Is(cause, context.Canceled) {
		a.Logger.Error("request failed", "route", g.Request.Method+" "+g.FullPath(), "status", p.Status, "error", cause)
	}
	if p.Status == http.StatusServiceUnavailable {
		g.Header("Retry-After", "2")
	}
	if p == errBusyReads {
		g.Header("Retry-After", "5")
	}
	body, err := json.Marshal(p)
	if err != nil { // details that are no JSON
		body, _ = json.Marshal(&problem.Problem{Code: p.Code, Message: p.Message})
	}
	g.Abort()
	write(g, p.Status, body)
}

// humaError is a problem as huma takes errors.
type humaError struct{ *problem.Problem }

// GetStatus implements huma.StatusError.
func (e humaError) GetStatus() int { return e.Status }

// ContentType implements huma.ContentTypeFilter: what huma refuses is answered as everything is.
func (humaError) ContentType(string) string { return contentType[0] }

// Schema implements huma.SchemaProvider.
func (humaError) Schema(huma.Registry) *huma.Schema { return problemSchema() }

// What huma itself refuses (an id in the path, a query, a body that is no JSON) gets our envelope.
func init() {
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		if len(errs) > 0 {
			return humaError{misread(errs[0])}
		}
		return humaError{problem.New(max(status, http.StatusBadRequest), problem.CodeInvalidRequest, "Invalid request: %s", message)}
	}
}

// misread says which part of a request could not be read.
func misread(err error) *problem.Problem {
	var at huma.ErrorDetailer
	if !errors.As(err, &at) {
		return problem.Invalid("Invalid request: %s", err)
	}
	d := at.ErrorDetail()
	where, name, _ := strings.Cut(d.Location, ".")
	switch where {
	case "path":
		return problem.New(http.StatusBadRequest, problem.CodeInvalidID, "Invalid %s format", name)
	case "body":
		return problem.Invalid("Invalid body: %s", d.Message)
	}
	return problem.Invalid("Invalid %s: %s", name, d.Message)
}
