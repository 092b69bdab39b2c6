package frame

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
	"github.com/swaggest/swgui/v5emb"
)

// docs serves the description of the API, and a page to try it on that needs nothing from elsewhere.
func (a *API) docs() {
	description := sync.OnceValues(func() ([]byte, error) { return json.Marshal(a.huma.OpenAPI()) })
	a.Page("/api/openapi.json", "This description", func(c *Call) {
		body, err := description()
		if err != nil {
			c.Refuse(err)
			return
		}
		write(c.gin, http.StatusOK, body)
	}, aDescription)
	files := v5emb.New("Annals", "/api/openapi.json", "/api/docs")
	page := func(c *Call) {
		if c.Serve(files, http.StatusNotFound) != 0 {
			c.Refuse(ErrNoRoute)
		}
	}
	// The page itself is asked for without its slash, which ServeHTTP takes away, and from /api.
	index := func(c *Call) {
		c.HTTP().URL.Path = "/api/docs/"
		page(c)
	}
	a.Page("/api", "A page to try the API on", index, HTML)
	a.Page("/api/docs", "A page to try the API on", index, HTML)
	a.Page("/api/docs/:file", "What the page consists of", page, AnyFile)
}

// held passes on all answers but those with certain statuses, which are ours to give.
type held struct {
	http.ResponseWriter
	back   []int
	status int // that was held back
}

// WriteHeader implements http.ResponseWriter.
func (h *held) WriteHeader(status int) {
	if slices.Contains(h.back, status) {
		h.status = status
		return
	}
	h.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (h *held) Write(p []byte) (int, error) {
	if h.status != 0 {
		return len(p), nil
	}
	return h.ResponseWriter.Write(p)
}

// plain keeps what a handler refuses in plain text, which is given in our envelope.
type plain struct {
	http.ResponseWriter
	status int
	text   bytes.Buffer
}

// maxPlain is how much of a refusal is kept, in bytes.
const maxPlain = 1000

// WriteHeader implements http.ResponseWriter.
func (p *plain) WriteHeader(status int) {
	if status >= http.StatusBadRequest && strings.HasPrefix(p.Header().Get("Content-Type"), "text/plain") {
		p.status = status
		return
	}
	p.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (p *plain) Write(b []byte) (int, error) {
	if p.status == 0 {
		return p.ResponseWriter.Write(b)
	}
	p.text.Write(b[:min(len(b), maxPlain-p.text.Len())])
	return len(b), nil
}

// Flush implements http.Flusher.
func (p *plain) Flush() {
	if f, ok := p.ResponseWriter.(http.Flusher); ok && p.status == 0 {
		f.Flush()
	}
}

// Page is a route whose answer is no envelope: it is of one of these types.
func (a *API) Page(path, summary string, serve func(*Call), types map[string]any, traits ...Trait) {
	a.give(path, summary, serve, operation{answer: answer{status: http.StatusOK, raw: true, types: types, tag: "docs"}}, traits...)
}

// File is a route whose answer is a file, or a part of one.
func (a *API) File(path, summary string, serve func(*Call), traits ...Trait) {
	kind := operation{answer: answer{status: http.StatusOK, raw: true, ranges: true, types: AnyFile}, limits: allowance{file: true}}
	a.give(path, summary, serve, kind, traits...)
}

// give is a route that writes its answer itself.
func (a *API) give(path, summary string, serve func(*Call), kind operation, traits ...Trait) {
	a.router.GET(path, func(g *gin.Context) { serve(callOf(g.Request.Context())) })
	op := a.describe(a.operation(http.MethodGet, path, summary, kind, traits...), nil)
	for _, p := range parameter.FindAllStringSubmatch(path, -1) {
		schema := &huma.Schema{Type: huma.TypeString}
		if strings.HasSuffix(p[1], "Id") {
			schema = ID{}.Schema(nil)
		}
		op.Parameters = append(op.Parameters, &huma.Param{Name: p[1], In: "path", Required: true, Schema: schema})
	}
	a.huma.OpenAPI().AddOperation(&op)
}

// HTML and the others are types of pages, with examples.
var (
	HTML         = map[string]any{"text/html": "<!doctype html>"}
	aDescription = map[string]any{"application/json": json.RawMessage(`{"openapi":"3.1.0","info":{"title":"Annals","version":"1.2.0"},"paths":{}}`)}
	AnyFile      = map[string]any{"*/*": "(the bytes of the file)"}
)

func (a *API) describeSocket(o *operation) {
	op := a.describe(o, nil)
	op.Parameters = append(op.Parameters, &huma.Param{
		Name: "apiKey", In: "query", Description: "The key, where the client cannot send it as a header.", Schema: &huma.Schema{Type: huma.TypeString},
	})
	if o.answer.polled {
		polled := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}, Example: "2"}
		content := map[string]*huma.MediaType{"text/plain": polled}
		if o.method == http.MethodPost { // as the library has it
			content = map[string]*huma.MediaType{"text/html": {Schema: polled.Schema, Example: "ok"}}
		}
		op.Responses["200"] = &huma.Response{Description: "What there is to be told to a client that polls.", Content: content}
		code, message := &huma.Schema{Type: huma.TypeInteger}, &huma.Schema{Type: huma.TypeString}
		protocol := &huma.MediaType{Schema: &huma.Schema{
			Type: huma.TypeObject, Required: []string{"code", "message"}, Properties: map[string]*huma.Schema{"code": code, "message": message},
		}, Example: map[string]any{"code": 1, "message": "Session ID unknown"}}
		for _, status := range []string{"400", "413", "503"} {
			op.Responses[status] = &huma.Response{Description: "As the protocol says it.", Content: map[string]*huma.MediaType{"application/json": protocol}}
		}
	}
	a.huma.OpenAPI().AddOperation(&op)
}
