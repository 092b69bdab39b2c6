package httpapi

import (
	"encoding/json"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
	"github.com/swaggest/swgui/v5emb"
)

// docs serves the description of the API, and a page to try it on that needs nothing from elsewhere.
func (a *API) docs() {
	description := sync.OnceValues(func() ([]byte, error) { return json.Marshal(a.huma.OpenAPI()) })
	a.page("/api/openapi.json", "This description", func(g *gin.Context) {
		body, err := description()
		if err != nil {
			a.refuse(g, err)
			return
		}
		write(g, http.StatusOK, body)
	})
	files := v5emb.New("Annals", "/api/openapi.json", "/api/docs")
	page := func(g *gin.Context) {
		w := &found{ResponseWriter: g.Writer}
		if files.ServeHTTP(w, g.Request); w.not {
			a.refuse(g, errNoRoute)
		}
	}
	// The page itself is asked for without its slash, which ServeHTTP takes away, and from /api.
	index := func(g *gin.Context) {
		g.Request.URL.Path = "/api/docs/"
		page(g)
	}
	a.page("/api", "A page to try the API on", index)
	a.page("/api/docs", "A page to try the API on", index)
	a.page("/api/docs/:file", "What the page consists of", page)
}

// found passes on all answers but that there is no such file, which is ours to say.
type found struct {
	http.ResponseWriter
	not bool
}

// WriteHeader implements http.ResponseWriter.
func (f *found) WriteHeader(status int) {
	if f.not = status == http.StatusNotFound; !f.not {
		f.ResponseWriter.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (f *found) Write(p []byte) (int, error) {
	if f.not {
		return len(p), nil
	}
	return f.ResponseWriter.Write(p)
}

// page is a route whose answer is no envelope.
func (a *API) page(path, summary string, serve gin.HandlerFunc) {
	a.router.GET(path, serve)
	op := a.describe(&operation{method: http.MethodGet, path: path, summary: summary, status: http.StatusNoContent}, nil)
	op.Tags = []string{"docs"}
	op.Responses = map[string]*huma.Response{"200": {Description: "The page."}}
	for _, p := range parameter.FindAllStringSubmatch(path, -1) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: p[1], In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	a.huma.OpenAPI().AddOperation(&op)
}
