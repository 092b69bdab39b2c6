package httpapi

// pages serves the web client, or else the dashboard, at /, and the dashboard below /dashboard/ in any case. They need no
// key themselves: what they show, they ask the API for.
func (a *webAPI) pages() {
	serve := func(c *call) {
		switch {
		case a.Shell.Knows(c.http()):
			a.Shell.ServeHTTP(c.writer(), c.http())
		case a.Dashboard != nil:
			a.Dashboard.ServeHTTP(c.writer(), c.http())
		default:
			c.refuse(errNoRoute)
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
