package httpapi

import "github.com/gin-gonic/gin"

// pages serves the web client, or else the dashboard, at /, and the dashboard below /dashboard/ in any case. They need no
// key themselves: what they show, they ask the API for.
func (a *API) pages() {
	for _, path := range []string{"/", "/dashboard/", "/dashboard/:file"} {
		a.open[path] = true
		a.router.GET(path, func(g *gin.Context) {
			if f := a.o.Shell.find(g.Request); f != nil {
				a.o.Shell.serve(g, f)
			} else if a.o.Dashboard != nil {
				a.o.Dashboard.ServeHTTP(g.Writer, g.Request)
			} else {
				a.refuse(g, errNoRoute)
			}
		})
	}
}
