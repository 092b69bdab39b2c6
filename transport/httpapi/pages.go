package httpapi

import "github.com/gin-gonic/gin"

// pages serves the web client, or else the dashboard, at /, and the dashboard below /dashboard/ in any case. They need no
// key themselves: what they show, they ask the API for.
func (a *API) pages() {
	serve := func(g *gin.Context) {
		if f := a.o.Shell.find(g.Request); f != nil {
			a.o.Shell.serve(g, f)
		} else if a.o.Dashboard != nil {
			a.o.Dashboard.ServeHTTP(g.Writer, g.Request)
		} else {
			a.refuse(g, errNoRoute)
		}
	}
	for path, what := range map[string]string{
		"/": "The dashboard, or the web client that ELIZA_UI_DIR names", "/dashboard/": "The dashboard", "/dashboard/:file": "What the dashboard consists of",
	} {
		types := anHTML
		if path == "/dashboard/:file" {
			types = aFile
		}
		a.page(path, what, serve, types, keyless)
	}
}
