package httpapi_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"annals/transport/httpapi"
	"annals/transport/httpapi/frame"
	"annals/transport/httpapi/httpapitest"
)

// document is the description as the server gives it.
var document = sync.OnceValue(func() []byte {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "http://localhost/api/openapi.json", nil)
	r.RemoteAddr = "127.0.0.1:1"
	httpapi.New(httpapi.Options{Frame: frame.Options{Shared: frame.Shared{Version: "1.2.0"}}}).ServeHTTP(w, r)
	return w.Body.Bytes()
})

func TestTheDescriptionIsOpenAPI31AndItsExamplesFitTheirSchemas(t *testing.T) {
	t.Parallel()
	loaded, err := openapi3.NewLoader().LoadFromData(document())
	must(t, err)
	if !strings.HasPrefix(loaded.OpenAPI, "3.1") {
		t.Errorf("OpenAPI %s", loaded.OpenAPI)
	}
	must(t, loaded.Validate(t.Context(), openapi3.EnableExamplesValidation()))
}

func TestWhatIsDescribedIsWhatIsServed(t *testing.T) {
	t.Parallel()
	var served, told []string
	for _, r := range httpapi.Routes() {
		served = append(served, r.Method+" "+routeParameter.ReplaceAllString(r.Path, "{}"))
	}
	for path, item := range loadedPaths(t) {
		for method := range item {
			told = append(told, strings.ToUpper(method)+" "+pathParameter.ReplaceAllString(path, "{}"))
		}
	}
	slices.Sort(served)
	slices.Sort(told)
	if !slices.Equal(served, told) {
		t.Errorf("served %q\ndescribed %q", served, told)
	}
}

// toldOperation is an operation as the document has it.
type toldOperation struct {
	OperationID, Summary, Description string
	Tags                              []string
	Security                          []map[string][]string
	RequestBody                       *struct {
		Content map[string]struct{ Example any }
	}
	Responses map[string]struct {
		Ref     string `json:"$ref"`
		Content map[string]struct{ Example any }
	}
}

func loadedPaths(t *testing.T) map[string]map[string]toldOperation {
	t.Helper()
	var whole struct {
		Paths map[string]map[string]toldOperation
	}
	must(t, json.Unmarshal(document(), &whole))
	all := map[string]map[string]toldOperation{}
	for path, item := range whole.Paths {
		for _, op := range item {
			path = addressOf(path, op.Description)
			break
		}
		all[path] = item
	}
	return all
}

func TestEveryOperationIsDescribedWithExamples(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for path, item := range loadedPaths(t) {
		for method, op := range item {
			what := strings.ToUpper(method) + " " + path
			if op.Summary == "" || len(op.Description) < 10 || len(op.Tags) != 1 || op.OperationID == "" || names[op.OperationID] {
				t.Errorf("%s: %+v", what, op)
			}
			names[op.OperationID] = true
			if op.RequestBody != nil {
				for typ, content := range op.RequestBody.Content {
					if content.Example == nil {
						t.Errorf("%s: no example of %s", what, typ)
					}
				}
			}
			refused, shown := 0, 0
			for status, r := range op.Responses {
				if strings.HasPrefix(r.Ref, "#/components/responses/") && status >= "400" {
					refused++
				}
				if status < "300" && (len(r.Content) > 0 || status == "204" || status == "101") {
					shown++
				}
				for typ, content := range r.Content {
					if content.Example == nil {
						t.Errorf("%s: no example of %s %s", what, status, typ)
					}
					example, isText := content.Example.(string)
					if !isText {
						example = jsonText(content.Example)
					}
					n, err := strconv.Atoi(status)
					err = errors.Join(err, httpapitest.Described().Check(strings.ToUpper(method), path, n, typ, []byte(example)))
					if err != nil {
						t.Error(err)
					}
				}
			}
			if refused < 3 || shown == 0 {
				t.Errorf("%s: %d refusals, %d successes", what, refused, shown)
			}
		}
	}
}
