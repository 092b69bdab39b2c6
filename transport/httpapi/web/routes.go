// Package web serves pages: a web client that was built elsewhere, and the dashboard.
package web

import (
	"net/http"

	"annals/transport/httpapi/frame"
)

// Ports is the pages that are served.
type Ports struct {
	// Shell is the web client at /; it may be nil.
	Shell *Shell
	// Dashboard is the page at / and the files below /dashboard/ that it consists of; without it they are not there.
	Dashboard Page
}

// Page is a document with its files.
type Page interface {
	http.Handler
	// Knows reports whether a request is for a part of the page.
	Knows(r *http.Request) bool
}

// api is the frame with these.
type api struct {
	*frame.API
	Ports
}

// Mount adds the routes.
func Mount(f *frame.API, p Ports) {
	a := &api{API: f, Ports: p}
	a.pages()
}
