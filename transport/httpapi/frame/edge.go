package frame

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"annals/transport/problem"
)

// How long an operation may take, also while it waits for an answer of an agent.
const (
	timeLimit      = 30 * time.Second
	replyTimeLimit = 65 * time.Second
	bodyTimeLimit  = 20 * time.Second
)

// maxKey bounds an Idempotency-Key, in bytes.
const maxKey = 255

// small is a body of which a copy costs little.
const small = 64 << 10

// drained bounds what is read of a body that is refused, so that the client gets to read why.
const drained = 16 << 20

// edge begins a call, and ends it well even when its code panics.
func (a *API) edge(g *gin.Context) {
	c := &Call{Context: g.Request.Context(), api: a, gin: g, operation: a.operationOf(g), Actor: Anonymous}
	g.Request = g.Request.WithContext(c)
	begun := time.Now()
	if len(g.Request.TransferEncoding) > 0 {
		// Its head may state a length, too. A proxy that goes by that takes the end of the body for another request, which is not read.
		g.Header("Connection", "close")
	}
	if g.Request.ContentLength != 0 { // whether or not it is wanted: what is left of it is read before the answer goes out
		_ = http.NewResponseController(g.Writer).SetReadDeadline(begun.Add(bodyTimeLimit)) // lifted at the body's end
	}
	defer c.release()
	defer a.note(g, begun)
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p == http.ErrAbortHandler { //nolint:errorlint // the server compares it so, too
			panic(p)
		}
		a.Logger.Error("a request panicked", "route", g.Request.Method+" "+g.FullPath(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		if !g.Writer.Written() {
			a.refuse(g, &problem.Problem{Status: http.StatusInternalServerError, Code: problem.CodeInternal, Message: "Something went wrong here. It was logged."})
		}
	}()
	g.Next()
}

// note writes one line about a request: no address, no query, nothing personal.
func (a *API) note(g *gin.Context, begun time.Time) {
	if a.Logger.Enabled(g, slog.LevelDebug) {
		a.Logger.Debug("request", "method", g.Request.Method, "route", g.FullPath(), "status", g.Writer.Status(),
			"bytes", g.Writer.Size(), "took", time.Since(begun))
	}
}

// still turns writes away where only what was is served.
func (a *API) still(g *gin.Context) {
	if a.O.ReadOnly && g.Request.Method != http.MethodGet && !callOf(g.Request.Context()).operation.access.asks {
		g.Header("Allow", "GET, HEAD, OPTIONS")
		a.refuse(g, errReadOnly)
	}
}

// bound limits what an operation may take up: its time, the size of its head, and the size and kind of its body.
func (a *API) bound(g *gin.Context) {
	if err := short(g.Request); err != nil {
		a.refuse(g, err)
		return
	}
	if !isText(g.Request.URL.Path) || !isText(unescaped(g.Request.URL.RawQuery)) {
		a.refuse(g, problem.Invalid("The address holds what is no text."))
		return
	}
	c := callOf(g.Request.Context())
	limit := c.operation.limits.time
	if limit == 0 {
		return
	}
	if longer := c.operation.limits.waiting; longer != 0 && g.Query("wait") == "reply" {
		limit = longer
	}
	if c.operation.limits.file {
		_ = http.NewResponseController(g.Writer).SetReadDeadline(time.Now().Add(limit))
		body := g.Request.Body
		defer func() { g.Request.Body = body; a.discard(g) }() // the rest of one that is refused
	}
	ctx, cancel := context.WithTimeout(c.Context, limit)
	defer cancel()
	c.Unbounded, c.Context = c.Context, ctx
	if err := a.admit(c); err != nil {
		a.discard(g)
		a.refuse(g, err)
		return
	}
	defer c.Rested()
	g.Next()
}

// admit begins the work of a call. A body that is small is read before it is the call's turn.
func (a *API) admit(c *Call) error {
	r := c.gin.Request
	first := !c.operation.limits.file && r.ContentLength >= 0 && r.ContentLength <= small
	if first {
		if err := c.admitBody(); err != nil {
			return err
		}
	}
	if a.takesTurns(c) {
		c.work.bulk = !first
		if err := c.works(); err != nil {
			return err
		}
		r.Body = restingBody{r.Body, c}
	}
	if first {
		return nil
	}
	return c.admitBody()
}

// takesTurns reports whether a call makes work that clients take turns at. The requests of clients without the key are bounded by
// their pace.
func (a *API) takesTurns(c *Call) bool {
	return !c.operation.access.open && (c.Actor != Anonymous || !a.keys.required())
}

// discard reads what is left of a body. A client that waits for 100 Continue before it sends one gets the refusal at once.
func (a *API) discard(g *gin.Context) {
	if g.GetHeader("Expect") != "" {
		return
	}
	a.discards.Discard(g.Request.Context(), a.O.Proxies.ClientOf(g.Request), g.Request.Body, drained)
}

func short(r *http.Request) error {
	if len(r.RequestURI) > maxAddress.Int() {
		return problem.New(http.StatusRequestURITooLong, problem.CodeInvalidRequest, "The address is longer than %d bytes.", maxAddress.Value)
	}
	n := 0
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v)
		}
	}
	if n > maxHeaders.Int() {
		return problem.New(http.StatusRequestHeaderFieldsTooLarge, problem.CodeInvalidRequest, "The headers are longer than %d bytes.", maxHeaders.Value)
	}
	return nil
}

// isText tells text that can be stored and looked for.
func isText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// unescaped is a query as it is meant; one that is malformed is left to whoever reads its parts.
func unescaped(query string) string {
	text, err := url.QueryUnescape(query)
	if err != nil {
		return query
	}
	return text
}

var bodyTypes = []string{"application/json", "multipart/form-data", "application/x-www-form-urlencoded"}

// admitBody looks at the kind of a body and reads one that is JSON, which it hashes when it comes with an Idempotency-Key.
func (c *Call) admitBody() error {
	r := c.gin.Request
	if r.Method == http.MethodGet || r.Method == http.MethodDelete {
		return nil
	}
	key := r.Header.Get("Idempotency-Key")
	if len(key) > maxKey {
		return problem.Invalid("The Idempotency-Key is longer than %d bytes.", maxKey)
	}
	typ, takes := r.Header.Get("Content-Type"), c.operation.body
	if r.ContentLength != 0 && (!containsAny(typ, bodyTypes) || foreign(typ)) && !containsAny(typ, takes.types) {
		return errContentType
	}
	if takes.form != nil || r.ContentLength != 0 && !strings.Contains(typ, "application/json") {
		return nil // an upload is read by whoever wants it
	}
	body, err := c.readBody()
	if err != nil {
		return err
	}
	if text := bytes.TrimSpace(bytes.TrimPrefix(body, byteOrderMark)); len(text) > 0 && text[0] != '{' && text[0] != '[' {
		return problem.Invalid("Invalid body: an object or a list was expected where %.20q stands", text)
	}
	if len(body) > small && strings.Contains(typ, "json") { // huma makes a copy of what cannot be read
		if _, err := Clean(body); err != nil {
			return problem.Invalid("Invalid body: %s", err)
		}
	}
	if key != "" && r.Method == http.MethodPost {
		if err := c.hashBody(c.subjectOf(body), body); err != nil {
			return err
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// foreign tells of a text in another encoding than the only one that JSON has.
func foreign(typ string) bool {
	_, parameters, err := mime.ParseMediaType(typ)
	charset := strings.ToLower(parameters["charset"])
	return err == nil && !slices.Contains([]string{"", "utf-8", "utf8", "us-ascii"}, charset)
}

// readBody gives a client that sends slowly no more than its time (see edge).
func (c *Call) readBody() ([]byte, error) {
	r := c.gin.Request
	if r.ContentLength == 0 {
		return nil, nil
	}
	if r.ContentLength > MaxBody {
		return nil, errTooLarge
	}
	buf := bytes.NewBuffer(make([]byte, 0, max(r.ContentLength, 0)+bytes.MinRead))
	switch _, err := buf.ReadFrom(io.LimitReader(r.Body, MaxBody+1)); {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, errSlowBody
	case err != nil:
		return nil, problem.Invalid("The body ended too early.")
	case buf.Len() > MaxBody:
		return nil, errTooLarge
	}
	return buf.Bytes(), nil
}

func containsAny(s string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(s, part) {
			return true
		}
	}
	return false
}
