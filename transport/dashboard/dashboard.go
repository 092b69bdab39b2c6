// Package dashboard is the live page for operators: what runs, what happens, what happened and why. It is embedded in the
// binary, needs no build step and loads nothing from elsewhere; everything that it shows it asks the API for.
package dashboard

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed page
var embedded embed.FS

// policy lets the page run its own scripts and talk to its own server, and nothing else: an event's text can do no harm
// even if the page forgot to show it as text.
const policy = "default-src 'none';script-src 'self';style-src 'self';img-src 'self' data: blob:;media-src 'self';connect-src 'self';" +
	"base-uri 'none';form-action 'none';frame-ancestors 'none'"

type file struct {
	body      []byte
	kind, tag string
}

// Page serves the dashboard: its document at every path that ends in a slash, and the files that it consists of by their
// base name. It answers GET and HEAD, and 404 for what is not part of it.
type Page struct{ files map[string]file }

// New is the page of this build.
func New() *Page {
	p := &Page{files: map[string]file{}}
	err := fs.WalkDir(embedded, "page", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := embedded.ReadFile(name)
		sum := sha256.Sum256(body)
		p.files[path.Base(name)] = file{
			body: body, kind: mime.TypeByExtension(path.Ext(name)), tag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`,
		}
		return err
	})
	if err != nil {
		panic(err) // the binary was built without its own files
	}
	return p
}

// Knows reports whether a request is for a part of the page.
func (p *Page) Knows(r *http.Request) bool {
	_, ok := p.files[nameOf(r)]
	return ok
}

func nameOf(r *http.Request) string {
	if strings.HasSuffix(r.URL.Path, "/") {
		return "index.html"
	}
	return path.Base(r.URL.Path)
}

// ServeHTTP implements http.Handler.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := p.files[nameOf(r)]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "no-cache") // asked for again each time, and answered 304 as long as the build is the same
	h.Set("ETag", f.tag)
	if r.Header.Get("If-None-Match") == f.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if r.Method != http.MethodHead {
		_, _ = w.Write(f.body) // a browser that has gone needs no answer
	}
}
