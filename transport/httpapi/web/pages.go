package web

import "annals/transport/httpapi/frame"

// pages serves the web client, or else the dashboard, at /, and the dashboard below /dashboard/ in any case. They need no
// key themselves: what they show, they ask the API for.
func (a *api) pages() {
	serve := func(c *frame.Call) {
		switch {
		case a.Shell.Knows(c.HTTP()):
			a.Shell.ServeHTTP(c.Writer(), c.HTTP())
		case a.Dashboard != nil && a.Dashboard.Knows(c.HTTP()):
			a.Dashboard.ServeHTTP(c.Writer(), c.HTTP())
		default:
			c.Refuse(frame.ErrNoRoute)
		}
	}
	for path, what := range map[string]string{
		"/": "The dashboard, or the web client that ELIZA_UI_DIR names", "/dashboard/": "The dashboard", "/dashboard/:file": "What the dashboard consists of",
	} {
		types := frame.HTML
		if path == "/dashboard/:file" {
			types = frame.AnyFile
		}
		a.Page(path, what, serve, types, frame.Keyless)
	}
	a.Page("/socket.io/:file", "The browser client of Socket.IO", a.serveSocketIOClient, frame.AnyFile, frame.Keyless)
}
