package frame

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"annals/transport/problem"
)

// operation is one route: what it is called, how it answers, what it takes, who may ask, and how much.
type operation struct {
	method, path, summary string
	also                  []string // more paths under which it is served
	answer                answer
	body                  body
	access                access
	limits                allowance
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
	partly *problem.Problem
	// raw answers in no envelope, in ranges where they are asked for. types are those of answers besides the envelope, each
	// with an example.
	raw, ranges bool
	types       map[string]any
	sequence    sequence
	// streamed is an answer 200 of server-sent events beside that of the status, later whether it may be 202 instead.
	streamed sequence
	later    bool
	ends     bool // what it is about may be over: 410
	polled   bool // a client of a socket may poll instead
	// about is the description that it has besides, tag what it stands under, under another path for the same.
	about, tag, under string
}

// body is what an operation takes besides its address.
type body struct {
	// form describes a body that the operation reads itself; every other one is JSON, and read before.
	form *huma.RequestBody
	// types are parts of media types that it takes besides those that every operation takes.
	types   []string
	example json.RawMessage
}

// access is who may ask, and for what.
type access struct {
	open   bool // it needs no key
	signed bool // a signature in the address is worth the key
	socket bool // the key may stand in the query, and the cookie is worth the key
	asks   bool // it changes nothing, although it is no GET
}

// allowance is what an operation may take up.
type allowance struct {
	counted   bool          // it counts against the requests of its caller
	time      time.Duration // none for 0
	waiting   time.Duration // the time with wait=reply in the query, where it is another one
	file      bool          // it takes or gives a file
	expensive bool          // it takes turns with others
	rates     []rate        // of its own, the innermost last
	own       []*limiter    // these, as they are counted
}

// Trait is what a route has of its own, as routes.go lists it.
type Trait func(*operation)

// Created answers 201, accepted 202.
func Created(o *operation)  { o.answer.status = http.StatusCreated }
func Accepted(o *operation) { o.answer.status = http.StatusAccepted }

// Bare has the fields of its data at the top level besides, as the recorded server gives them.
func Bare(o *operation) { o.answer.bare = true }

// Keyless needs no key.
func Keyless(o *operation) { o.access.open = true }

// Reads names the groups of projections that the operation answers from.
func Reads(groups ...string) Trait { return func(o *operation) { o.answer.groups = groups } }

// Remembering answers from what agents remember, or changes it.
var Remembering = Reads(Core, Memories)

// Asks changes nothing although it is no GET.
func Asks(o *operation) { o.access.asks = true }

// BySignature may be asked for by an address that was given out in an answer.
func BySignature(o *operation) { o.access.signed = true }

// Says answers with a text beside the data, or in its place.
func Says(text string) Trait { return func(o *operation) { o.answer.says = text } }

// Partly tells what failed beside what was done: as in the example, whose Beside has a field for each.
func Partly(example *problem.Problem) Trait { return func(o *operation) { o.answer.partly = example } }

// DescribedUnder describes the operation under another path, which differs from its own by the names of parameters alone:
// routes are named as in ElizaOS, and OpenAPI has one name for a path.
func DescribedUnder(path string) Trait { return func(o *operation) { o.answer.under = path } }

// Also serves the operation under another path, too.
func Also(path string) Trait { return func(o *operation) { o.also = append(o.also, path) } }

// Formerly serves the operation under an older path, too: ElizaOS 1.7.2 has other names for parts of its paths than 1.2.0.
func Formerly(part, older string) Trait {
	return func(o *operation) { Also(strings.Replace(o.path, "/"+part, "/"+older, 1))(o) }
}

// Ends is about something that ends by itself, and answers 410 afterwards.
func Ends(o *operation) { o.answer.ends = true }

// Polled may be asked again and again instead of opening a socket.
func Polled(o *operation) { o.answer.polled = true }

// Waits has more time where the query says wait=reply.
func Waits(o *operation) { o.limits.waiting = replyTimeLimit }

// route is a method and a path in Gin's spelling.
type route struct{ method, path string }

// operation makes a route with what all of its kind have, and its traits.
func (a *API) operation(method, path, summary string, kind operation, traits ...Trait) *operation {
	o := &kind
	o.method, o.path, o.summary = method, path, summary
	if strings.HasPrefix(path, "/api") {
		o.limits.counted, o.limits.time = true, timeLimit
	}
	for _, t := range traits {
		t(o)
	}
	if o.limits.file && o.limits.time != 0 {
		o.limits.time = UploadTime
	}
	if a.rates.identified != nil {
		for _, r := range o.limits.rates {
			o.limits.own = append(o.limits.own, newLimiter(a.Clock, r))
		}
	}
	a.operations[route{method, path}] = o
	return o
}

// everywhere returns the operation once for each of its paths. They share its limits.
func (a *API) everywhere(o *operation) []*operation {
	all := []*operation{o}
	for _, path := range o.also {
		same := *o
		same.path = path
		a.operations[route{o.method, path}] = &same
		all = append(all, &same)
	}
	return all
}

// operationOf is the operation that a request is for. One for none of them counts as a request of the API all the same.
func (a *API) operationOf(g *gin.Context) *operation {
	if o := a.operations[route{g.Request.Method, g.FullPath()}]; o != nil {
		return o
	}
	return &operation{limits: allowance{counted: strings.HasPrefix(g.Request.URL.Path, "/api")}}
}

// Fulfil answers a request. What it returns becomes the data of the envelope; In is read as huma reads structs, with the
// tags path, query and a Body.
type Fulfil[In, Data any] func(*Call, *In) (Data, error)

func Get[In, Data any](a *API, path, summary string, f Fulfil[In, Data], traits ...Trait) {
	add(a, http.MethodGet, path, summary, f, traits)
}

func Post[In, Data any](a *API, path, summary string, f Fulfil[In, Data], traits ...Trait) {
	add(a, http.MethodPost, path, summary, f, traits)
}

func Patch[In, Data any](a *API, path, summary string, f Fulfil[In, Data], traits ...Trait) {
	add(a, http.MethodPatch, path, summary, f, traits)
}

func Remove[In, Data any](a *API, path, summary string, f Fulfil[In, Data], traits ...Trait) {
	add(a, http.MethodDelete, path, summary, f, traits)
}

// reply lets the answer be written by us: encoded once, hashed, or not sent at all.
type reply struct{ Body func(huma.Context) }

func add[In, Data any](a *API, method, path, summary string, f Fulfil[In, Data], traits []Trait) {
	kind := operation{answer: answer{status: http.StatusOK, groups: []string{Core}}, limits: allowance{time: timeLimit}}
	if reflect.TypeFor[Data]() == reflect.TypeFor[None]() {
		kind.answer.status = http.StatusNoContent
	}
	for _, o := range a.everywhere(a.operation(method, path, summary, kind, traits...)) {
		register(a, o, f)
	}
}

func register[In, Data any](a *API, o *operation, f Fulfil[In, Data]) {
	description := a.describe(o, reflect.TypeFor[Data]())
	huma.Register(a.huma, description, func(ctx context.Context, in *In) (*reply, error) {
		return &reply{func(huma.Context) {
			c := callOf(ctx)
			data, err := ask(c, f, in)
			c.answer(data, err) //nolint:contextcheck // a call is the context
		}}, nil
	})
	of := a.huma.OpenAPI().Paths[description.Path]
	if o.body.form != nil { // said afterwards, or huma would read the body
		of.Post.RequestBody = o.body.form
	}
	switch o.method {
	case http.MethodPost:
		o.illustrate(of.Post.RequestBody)
	case http.MethodPatch:
		o.illustrate(of.Patch.RequestBody)
	}
}

func ask[In, Data any](c *Call, f Fulfil[In, Data], in *In) (data Data, err error) {
	if c.operation.method == http.MethodGet || c.operation.access.asks {
		if err := c.Fresh(); err != nil {
			return data, err
		}
	}
	if c.operation.limits.expensive {
		done, err := c.turn()
		if err != nil {
			return data, err
		}
		defer done()
	}
	if data, err = f(c, in); c.operation.limits.expensive {
		err = slow(err)
	}
	c.Settle()
	return data, err
}

var parameter = regexp.MustCompile(`[:*](\w+)`)

func init() {
	huma.DefaultArrayNullable = false // answers have no null where they have a list: tests hold every answer against its description
}

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
	c.Servers = []*huma.Server{{URL: "/", Description: "The server that this description is of."}}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"key":    {Type: "apiKey", In: "header", Name: "X-API-KEY"},
		"bearer": {Type: "http", Scheme: "bearer"},
	}
	return c
}
