package httpapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

// operation is one route: what it is called, how it answers, what it takes, who may ask, and how much.
type operation struct {
	method, path, summary string
	answer                answer
	body                  body
	access                access
	limits                limits
}

// answer is how an operation answers.
type answer struct {
	status int
	// groups are those of projections that have to be there before it answers; none where it answers from no read model.
	groups []string
	// bare has the fields of the data at the top level besides, says is a text beside the data or in its place, partly tells
	// that what fails is told beside what does not.
	bare   bool
	says   string
	partly bool
	// raw answers in no envelope, in ranges where they are asked for. types are those of answers besides the envelope, each
	// with an example.
	raw, ranges bool
	types       map[string]any
	sequence    sequence
	about, tag  string // of its description
}

// body is what an operation takes besides its address.
type body struct {
	// form describes a body that the operation reads itself; every other one is JSON, and read before.
	form *huma.RequestBody
	// types are parts of media types that it takes besides those that every operation takes.
	types []string
}

// access is who may ask, and for what.
type access struct {
	open   bool // it needs no key
	signed bool // a signature in the address is worth the key
	socket bool // the key may stand in the query, and the cookie is worth the key
	asks   bool // it changes nothing, although it is no GET
}

// limits are what an operation may take up.
type limits struct {
	counted bool          // it counts against the requests of its caller
	time    time.Duration // none for 0
	waiting time.Duration // the time with wait=reply in the query, where it is another one
	file    bool          // it takes or gives a file
	rates   []rate        // of its own, the innermost last
	own     []*limiter    // these, as they are counted
}

// trait is what a route has of its own, as routes.go lists it.
type trait func(*operation)

// created answers 201, accepted 202.
func created(o *operation)  { o.answer.status = http.StatusCreated }
func accepted(o *operation) { o.answer.status = http.StatusAccepted }

// bare has the fields of its data at the top level besides, as the recorded server gives them.
func bare(o *operation) { o.answer.bare = true }

// keyless needs no key.
func keyless(o *operation) { o.access.open = true }

// reads names the groups of projections that the operation answers from.
func reads(groups ...string) trait { return func(o *operation) { o.answer.groups = groups } }

// remembering answers from what agents remember, or changes it.
var remembering = reads(core, memories)

// asks changes nothing although it is no GET.
func asks(o *operation) { o.access.asks = true }

// says answers with a text beside the data, or in its place.
func says(text string) trait { return func(o *operation) { o.answer.says = text } }

// partly tells what failed beside what was done.
func partly(o *operation) { o.answer.partly = true }

// waits has more time where the query says wait=reply.
func waits(o *operation) { o.limits.waiting = replyTimeLimit }

// none is the data of an answer without a body: 204.
type none struct{}

// route is a method and a path in Gin's spelling.
type route struct{ method, path string }

// operation makes a route with what all of its kind have, and its traits.
func (a *API) operation(method, path, summary string, kind operation, traits ...trait) *operation {
	o := &kind
	o.method, o.path, o.summary = method, path, summary
	if strings.HasPrefix(path, "/api") {
		o.limits.counted, o.limits.time = true, timeLimit
	}
	for _, t := range traits {
		t(o)
	}
	if o.limits.file && o.limits.time != 0 {
		o.limits.time = uploadTime
	}
	if a.limits != nil {
		for _, r := range o.limits.rates {
			o.limits.own = append(o.limits.own, newLimiter(a.o.Clock, r))
		}
	}
	a.operations[route{method, path}] = o
	return o
}

// operationOf is the operation that a request is for. One for none of them counts as a request of the API all the same.
func (a *API) operationOf(g *gin.Context) *operation {
	if o := a.operations[route{g.Request.Method, g.FullPath()}]; o != nil {
		return o
	}
	return &operation{limits: limits{counted: strings.HasPrefix(g.Request.URL.Path, "/api")}}
}

// fulfil answers a request. What it returns becomes the data of the envelope; In is read as huma reads structs, with the
// tags path, query and a Body.
type fulfil[In, Data any] func(*API, *call, *In) (Data, error)

func get[In, Data any](a *API, path, summary string, f fulfil[In, Data], traits ...trait) {
	add(a, http.MethodGet, path, summary, f, traits)
}

func post[In, Data any](a *API, path, summary string, f fulfil[In, Data], traits ...trait) {
	add(a, http.MethodPost, path, summary, f, traits)
}

func patch[In, Data any](a *API, path, summary string, f fulfil[In, Data], traits ...trait) {
	add(a, http.MethodPatch, path, summary, f, traits)
}

func remove[In, Data any](a *API, path, summary string, f fulfil[In, Data], traits ...trait) {
	add(a, http.MethodDelete, path, summary, f, traits)
}

// reply lets the answer be written by us: encoded once, hashed, or not sent at all.
type reply struct{ Body func(huma.Context) }

func add[In, Data any](a *API, method, path, summary string, f fulfil[In, Data], traits []trait) {
	kind := operation{answer: answer{status: http.StatusOK, groups: []string{core}}}
	if reflect.TypeFor[Data]() == reflect.TypeFor[none]() {
		kind.answer.status = http.StatusNoContent
	}
	o := a.operation(method, path, summary, kind, traits...)
	description := a.describe(o, reflect.TypeFor[Data]())
	huma.Register(a.huma, description, func(ctx context.Context, in *In) (*reply, error) {
		return &reply{func(huma.Context) {
			c := callOf(ctx)
			data, err := ask(a, c, f, in)
			c.answer(data, err)
		}}, nil
	})
	if o.body.form != nil { // said afterwards, or huma would read the body
		a.huma.OpenAPI().Paths[description.Path].Post.RequestBody = o.body.form
	}
}

func ask[In, Data any](a *API, c *call, f fulfil[In, Data], in *In) (data Data, err error) {
	if c.operation.method == http.MethodGet {
		if err := c.after("X-Annals-After", c.gin.GetHeader("X-Annals-After")); err != nil {
			return data, err
		}
	}
	data, err = f(a, c, in)
	c.settle()
	return data, err
}

var parameter = regexp.MustCompile(`[:*](\w+)`)

// humaConfig is huma without pages of its own, and with our way of reading JSON.
func humaConfig(version string) huma.Config {
	format := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: unmarshal}
	c := huma.DefaultConfig("Annals", version)
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.CreateHooks = nil
	c.Formats = map[string]huma.Format{"application/json": format}
	c.AllowAdditionalPropertiesByDefault = true // bodies are lenient, as in the recorded server
	c.FieldsOptionalByDefault = true
	c.Info.Description = "The ElizaOS 1.2.0 API of a server that forgets nothing."
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"key":    {Type: "apiKey", In: "header", Name: "X-API-KEY"},
		"bearer": {Type: "http", Scheme: "bearer"},
	}
	return c
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// answer writes data or an error in its envelope.
func (c *call) answer(data any, err error) {
	if c.written > 0 {
		c.gin.Header("X-Annals-Position", c.token())
	}
	if err != nil {
		c.api.refuse(c.gin, err)
		return
	}
	if c.stream != nil {
		c.stream()
		return
	}
	if c.operation.answer.status == http.StatusNoContent {
		c.gin.Status(http.StatusNoContent)
		c.gin.Writer.WriteHeaderNow()
		return
	}
	buf := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	if err := c.encode(buf, data); err != nil {
		c.api.refuse(c.gin, err)
		return
	}
	body := c.api.signed(buf.Bytes())
	if c.total > 0 {
		c.gin.Header("X-Total-Count", strconv.Itoa(c.total))
	}
	if c.operation.method == http.MethodGet && c.unchanged(body) {
		c.gin.Status(http.StatusNotModified)
		c.gin.Writer.WriteHeaderNow()
		return
	}
	write(c.gin, c.operation.answer.status, body)
}

// encode writes the envelope of a success.
func (c *call) encode(buf *bytes.Buffer, data any) error {
	e := json.NewEncoder(buf)
	e.SetEscapeHTML(false)
	buf.WriteString(`{"success":true`)
	if message := cmp.Or(c.message, c.operation.answer.says); message != "" {
		buf.WriteString(`,"message":`)
		if err := e.Encode(message); err != nil {
			return err
		}
	}
	if _, nothing := data.(noData); nothing {
		buf.WriteString("}")
		return nil
	}
	buf.WriteString(`,"data":`)
	from := buf.Len()
	if err := e.Encode(data); err != nil {
		return err
	}
	buf.Truncate(buf.Len() - 1) // the line feed
	if c.operation.answer.bare {
		top := bytes.TrimSuffix(buf.Bytes()[from+1:], []byte("}"))
		buf.WriteString(",")
		buf.Write(top)
	}
	buf.WriteString("}")
	return nil
}

// noData is an answer that has no data, in an envelope nevertheless.
type noData struct{}

// unchanged sets the ETag of an answer and tells whether the client has it already.
func (c *call) unchanged(body []byte) bool {
	tag := c.tag
	if tag == "" {
		tag = `W/"` + strconv.FormatUint(xxhash.Sum64(body), 36) + `"`
	}
	c.gin.Header("ETag", tag)
	known := c.gin.GetHeader("If-None-Match")
	return known != "" && (known == "*" || strings.Contains(strings.ReplaceAll(known, "W/", ""), strings.TrimPrefix(tag, "W/")))
}

var contentType = []string{"application/json; charset=utf-8"}

func write(g *gin.Context, status int, body []byte) {
	h := g.Writer.Header()
	h["Content-Type"] = contentType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	g.Status(status)
	_, _ = g.Writer.Write(body) // a client that has gone needs no answer
}
