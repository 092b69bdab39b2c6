package httpapi

import (
	"net/http"

	"annals/transport/httpapi/frame"
)

// WebPorts is the pages that are served.
type WebPorts struct {
	// Shell is the web client at /; it may be nil.
	Shell *Shell
	// Dashboard is the page at / and the files below /dashboard/ that it consists of; without it they are not there.
	Dashboard http.Handler
}

// webAPI is the frame with these.
type webAPI struct {
	*frame.API
	WebPorts
}

// mountWeb adds the routes.
func mountWeb(f *frame.API, p WebPorts) {
	a := &webAPI{API: f, WebPorts: p}
	a.pages()
}
