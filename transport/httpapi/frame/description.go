package frame

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"annals/transport/httpapi/example"
	"annals/transport/problem"
)

const schemasPath = "#/components/schemas/"

// answerSchemas describes answers, strictly: what may be missing says so, and nothing else is there. (Bodies are taken
// leniently, and described by huma's own registry.)
func answerSchemas() huma.Registry {
	r := huma.NewMapRegistry(schemasPath, huma.DefaultSchemaNamer)
	r.RegisterTypeAlias(reflect.TypeFor[uuid.UUID](), reflect.TypeFor[ID]())
	return r
}

// parameterIn is a parameter as descriptions write it.
var parameterIn = regexp.MustCompile(`\{(\w+)\}`)

var notWord = regexp.MustCompile(`\W+`)

// templated is a path as descriptions write it.
func templated(path string) string { return parameter.ReplaceAllString(path, "{$1}") }

// described is the path under which an operation is described: OpenAPI's linters want none that ends with a slash.
func described(path string) string {
	if path == "/" {
		return path
	}
	return strings.TrimSuffix(templated(path), "/")
}

// describe is the operation as OpenAPI has it.
func (a *API) describe(o *operation, data reflect.Type) huma.Operation {
	path := described(o.path)
	tag := o.answer.tag
	if tag == "" {
		tag, _, _ = strings.Cut(strings.TrimPrefix(path, "/api/"), "/")
	}
	// The body was read, within its limits, before huma sees it (see bound).
	op := huma.Operation{
		Method: o.method, Path: path, Summary: o.summary, Description: o.remarks(), Tags: []string{tag},
		OperationID:   strings.Trim(notWord.ReplaceAllString(strings.ToLower(o.method)+"-"+strings.TrimPrefix(path, "/api/"), "-"), "-"),
		DefaultStatus: o.answer.status, MaxBodyBytes: -1, BodyReadTimeout: -1, SkipValidateBody: true, SkipValidateParams: true,
		Parameters: o.headers(), Responses: map[string]*huma.Response{},
	}
	for _, status := range o.refusals() {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Ref: "#/components/responses/" + componentOf(status)}
	}
	success := &huma.Response{Description: http.StatusText(o.answer.status), Headers: o.answerHeaders(), Content: map[string]*huma.MediaType{}}
	if data != nil && o.answer.status != http.StatusNoContent {
		success.Content["application/json"] = a.envelope(o, data)
	}
	for typ, example := range o.answer.types {
		schema := &huma.Schema{Type: huma.TypeString}
		if typ == "application/json" {
			schema = Object{}.Schema(nil)
		}
		success.Content[typ] = &huma.MediaType{Schema: schema, Example: example}
	}
	if o.answer.sequence.typ != "" {
		success.Content[o.answer.sequence.typ] = o.answer.sequence.describe(a.answers)
	}
	op.Responses[strconv.Itoa(o.answer.status)] = success
	if o.answer.later {
		later := *success
		later.Description = "The answer of the agent takes too long: it follows as a message."
		op.Responses[strconv.Itoa(http.StatusAccepted)] = &later
	}
	if s := o.answer.streamed; s.typ != "" {
		// Not among the responses: a generated client would take each answer for either of two things.
		op.Extensions = map[string]any{"x-event-stream": &huma.Response{
			Description: "Status 200: the answer of the agent, streamed, where the body asks for that.",
			Content:     map[string]*huma.MediaType{s.typ: s.describe(a.answers)},
		}}
	}
	if o.answer.partly != nil {
		op.Responses[strconv.Itoa(http.StatusMultiStatus)] = a.partial(o.answer.partly)
	}
	if o.answer.ranges {
		part := *success
		part.Description = "A part of it."
		op.Responses[strconv.Itoa(http.StatusPartialContent)] = &part
	}
	op.Security = []map[string][]string{{}}
	if !o.access.open {
		op.Security = []map[string][]string{{"key": {}}, {"bearer": {}}, {}}
	}
	return op
}

// envelope describes a success, with an example.
func (a *API) envelope(o *operation, data reflect.Type) *huma.MediaType {
	whole := &huma.Schema{
		Type: huma.TypeObject, Required: []string{"success"}, AdditionalProperties: false,
		Properties: map[string]*huma.Schema{"success": {Type: huma.TypeBoolean, Enum: []any{true}}},
	}
	example := map[string]any{"success": true}
	if o.answer.says != "" {
		whole.Properties["message"] = &huma.Schema{Type: huma.TypeString}
		example["message"] = o.answer.says
	}
	if data == reflect.TypeFor[NoData]() {
		return &huma.MediaType{Schema: whole, Example: example}
	}
	inner := a.answers.Schema(data, true, "")
	whole.Required, whole.Properties["data"] = append(whole.Required, "data"), inner
	example["data"] = a.exampleOf(data)
	if o.answer.bare {
		a.atTop(whole, example, data, example["data"])
	}
	if data, ok := example["data"].(Besider); ok {
		beside := data.Beside()
		a.atTop(whole, example, reflect.TypeOf(beside), beside)
	}
	return &huma.MediaType{Schema: whole, Example: example}
}

// atTop describes the fields of an object as fields of the envelope.
func (a *API) atTop(whole *huma.Schema, example map[string]any, object reflect.Type, exampleOf any) {
	fields := a.answers.Schema(object, false, "")
	whole.Required = append(whole.Required, fields.Required...)
	maps.Copy(whole.Properties, fields.Properties)
	top := map[string]any{}
	if raw, err := json.Marshal(exampleOf); err == nil && json.Unmarshal(raw, &top) == nil {
		maps.Copy(example, top)
	}
}

// partial describes what is said when some of what was wanted was done, and some was not.
func (a *API) partial(p *problem.Problem) *huma.Response {
	whole := problemSchema()
	for _, field := range reflect.VisibleFields(reflect.TypeOf(p.Beside)) {
		name := field.Tag.Get("json")
		whole.Properties[name] = a.answers.Schema(field.Type, true, "")
		whole.Required = append(whole.Required, name)
	}
	return &huma.Response{Description: "Some of them.", Content: map[string]*huma.MediaType{"application/json": {Schema: whole, Example: p}}}
}

// problemSchema describes the envelope of an error.
func problemSchema() *huma.Schema {
	text := &huma.Schema{Type: huma.TypeString}
	return &huma.Schema{Type: huma.TypeObject, Required: []string{"success", "error"}, Properties: map[string]*huma.Schema{
		"success": {Type: huma.TypeBoolean, Enum: []any{false}},
		"error": {Type: huma.TypeObject, Required: []string{"code", "message"}, Properties: map[string]*huma.Schema{
			"code": text, "message": text, "timestamp": text, "details": {},
		}},
	}}
}

// refusals are the statuses of errors that the operation may answer with.
func (o *operation) refusals() []int {
	all := []int{
		http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge,
		http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable,
	}
	if !o.access.open {
		all = append(all, http.StatusUnauthorized)
	}
	switch o.method {
	case http.MethodGet:
		all = append(all, http.StatusNotModified)
	case http.MethodPost, http.MethodPatch:
		all = append(all, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge)
	}
	if o.method != http.MethodGet {
		all = append(all, http.StatusConflict)
	}
	if o.method == http.MethodPatch || o.method == http.MethodDelete {
		all = append(all, http.StatusPreconditionFailed)
	}
	if o.body.form != nil {
		all = append(all, http.StatusUnsupportedMediaType)
	}
	if o.answer.ends {
		all = append(all, http.StatusGone)
	}
	if o.answer.ranges {
		all = append(all, http.StatusRequestedRangeNotSatisfiable, http.StatusPreconditionFailed)
	}
	return all
}

// refused are examples of errors, one for each status.
var refused = []*problem.Problem{
	problem.Invalid("Missing required fields: name, sourceType"), errNoKey,
	problem.New(http.StatusForbidden, problem.CodeForbidden, "Only this machine may stop the server as long as no key is set."),
	problem.New(http.StatusNotFound, problem.CodeNotFound, "agent %s not found", example.Agent), errReadOnly, errSlowBody,
	problem.New(http.StatusConflict, problem.CodeConflict, "the Idempotency-Key came before with another body"),
	problem.New(http.StatusGone, problem.CodeSessionExpired, "Session '%s' expired at %s", example.Request, example.ISO),
	problem.New(http.StatusPreconditionFailed, problem.CodeStale, "it has another revision by now"), errTooLarge, errFileType,
	problem.New(http.StatusRequestedRangeNotSatisfiable, problem.CodeInvalidRequest, "The file has no such range."),
	problem.New(http.StatusRequestURITooLong, problem.CodeInvalidRequest, "The address is longer than 65536 bytes."),
	problem.New(http.StatusRequestHeaderFieldsTooLarge, problem.CodeInvalidRequest, "The headers are longer than 65536 bytes."),
	problem.New(http.StatusTooManyRequests, problem.CodeRateLimited, "Too many requests. Please try again later."),
	problem.New(http.StatusInternalServerError, problem.CodeInternal, "Something went wrong here. It was logged."),
	problem.New(http.StatusServiceUnavailable, problem.CodeDatabase, "The database cannot be reached. Try again."),
}

func componentOf(status int) string { return strings.ReplaceAll(http.StatusText(status), " ", "") }

// Complete adds the description itself and what all operations share, once every one of them is there.
func (a *API) Complete() {
	a.docs()
	c := a.huma.OpenAPI().Components
	if c.Responses == nil {
		c.Responses = map[string]*huma.Response{}
	}
	c.Responses[componentOf(http.StatusNotModified)] = &huma.Response{Description: "If-None-Match names what there is."}
	for _, p := range refused {
		response := &huma.Response{
			Description: http.StatusText(p.Status),
			Content:     map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Ref: schemasPath + "Error"}, Example: p}},
		}
		if p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable {
			response.Headers = map[string]*huma.Param{"Retry-After": {Description: "Seconds.", Schema: &huma.Schema{Type: huma.TypeInteger}}}
		}
		c.Responses[componentOf(p.Status)] = response
	}
	schemas := c.Schemas.Map()
	schemas["Error"] = problemSchema()
	for name, schema := range a.answers.Map() {
		if schemas[name] != nil {
			panic(fmt.Sprintf("%s is both what clients send and what they get", name))
		}
		schemas[name] = schema
	}
	paths := a.huma.OpenAPI().Paths
	for _, o := range a.operations {
		if o.answer.under != "" {
			unite(paths, templated(o.path), templated(o.answer.under))
		}
	}
}

// unite describes the GET of one path under the other, which differs from it by the name of a parameter alone: routes are
// named as in ElizaOS, and OpenAPI has one name for a path.
func unite(paths map[string]*huma.PathItem, one, other string) {
	op, name := paths[one].Get, parameterIn.FindStringSubmatch(other)[1]
	op.Path, paths[other].Get = other, op
	for _, p := range op.Parameters {
		if p.In == "path" {
			p.Name = name
		}
	}
	delete(paths, one)
}

// headers are what a request may say besides.
func (o *operation) headers() (all []*huma.Param) {
	header := func(name, what string) {
		all = append(all, &huma.Param{Name: name, In: "header", Description: what, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	switch {
	case o.answer.raw || o.answer.groups == nil:
	case o.method == http.MethodGet:
		header("X-Annals-After", "A position: the answer is no older.")
		header("If-None-Match", "An ETag: 304 where it is still that of the answer.")
	case o.method == http.MethodPost:
		header("Idempotency-Key", "The same again is done once, and answered the same.")
	default:
		header("If-Match", "An ETag: 412 where the thing has another by now.")
	}
	return all
}

// answerHeaders are what a success says besides.
func (o *operation) answerHeaders() map[string]*huma.Param {
	header := func(what string) *huma.Param {
		return &huma.Param{Description: what, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	switch {
	case o.answer.raw || o.answer.groups == nil:
		return nil
	case o.method == http.MethodGet:
		return map[string]*huma.Param{
			"ETag":          header("Strong where If-Match takes it, otherwise weak."),
			"X-Total-Count": header("Of a list: how many there are in all."),
		}
	}
	return map[string]*huma.Param{"X-Annals-Position": header("Where in the log it was recorded; not there when nothing was.")}
}

// remarks say what the summary leaves out.
func (o *operation) remarks() string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	say("%s.", o.summary)
	if o.answer.about != "" {
		say("%s", o.answer.about)
	}
	switch groups := strings.Join(o.answer.groups, ", "); {
	case o.answer.groups == nil:
	case o.method == http.MethodGet:
		say("It answers from the read models of: %s. X-Annals-After makes it wait until they have come so far.", groups)
	default:
		say("The answer comes when it can be read in: %s; X-Annals-Position says where it stands in the log.", groups)
	}
	if o.answer.bare {
		say("The fields of data are at the top level as well.")
	}
	if o.access.open {
		say("It needs no key.")
	}
	if path := described(o.path); path != templated(o.path) {
		say("Its address ends with a slash: %s/.", path)
	}
	for _, limit := range o.limits.rates {
		say("At most %d a caller in %s.", limit.most, limit.window)
	}
	return strings.Join(slices.Compact(all), " ")
}
