package socketio

import (
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"annals/transport/limits"
)

// anonymous is the actor of clients that did not show a key.
const anonymous = "anonymous"

// identify returns the client of a request, and whether it is identified: it showed the key, or there is none and it comes from
// this machine. It fails where the request may not come in.
func (h *Hub) identify(r *http.Request, key string) (actor string, identified bool, err error) {
	actor, err = h.Identify(r, key)
	return actor, err == nil && (actor != anonymous || limits.IsLocal(r)), err
}

// enter gives a new session its place. One that is not identified takes it from another such one where there are too many:
// sessions that are identified are never put out for it. Whoever it is has connectTime to connect to the namespace.
func (h *Hub) enter(c *connection, r *http.Request) {
	h.mu.Lock()
	c.deadline = time.AfterFunc(h.ConnectTime, c.abort)
	h.mu.Unlock()
	if h.isIdentified(r) {
		h.admit(c, true)
	} else if out, full := h.strangers.Enter(h.Client(r), c); full {
		go out.abort() // who has entered is in the midst of a request
	}
}

// admit lets a session say more than the little that it may before, and frees its place once it is identified.
func (h *Hub) admit(c *connection, identified bool) {
	if identified {
		h.strangers.Leave(c)
	}
	c.Admit()
}

// awaitCookie holds back the answer to a page of ours that begins to poll without key or cookie. Such a page may know the key and
// be asking for something else with it at this moment: that answer brings the cookie, which the page's next request shows.
func (h *Hub) awaitCookie(r *http.Request) {
	if r.Header.Get("Sec-Fetch-Site") != "same-origin" || websocket.IsWebSocketUpgrade(r) || h.isIdentified(r) {
		return
	}
	select {
	case <-time.After(h.CookieTime):
	case <-r.Context().Done():
	case <-h.ctx.Done():
	}
}

// shows notes the key that a client shows later than with its first request.
func (c *connection) shows(r *http.Request) {
	if actor, identified, _ := c.hub.identify(r, ""); identified {
		c.shown.Store(&actor)
	}
}

// isIdentified reports whether a request shows the key, or needs none.
func (h *Hub) isIdentified(r *http.Request) bool {
	_, identified, _ := h.identify(r, "")
	return identified
}

// full reports whether there are as many identified sessions as there may be.
func (h *Hub) full() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.connections)-h.strangers.Taken() >= h.Connections
}

// abort ends a session at once, whatever waits for its client.
func (c *connection) abort() { c.Close(true) }
