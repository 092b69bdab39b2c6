package socketio

import (
	"net/http"

	"annals/transport/socketio/carrier"
)

// ServeHTTP lets in what the library is safe with.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	session := h.carrier.Session(query.Get("sid"))
	h.mu.Lock()
	closed, c := h.closed, h.connections[session]
	h.mu.Unlock()
	begins := query.Get("sid") == ""
	switch {
	case closed:
		carrier.Refuse(w, http.StatusServiceUnavailable, carrier.BadRequest, "The server is stopping")
	case query.Get("EIO") != "4":
		carrier.Refuse(w, http.StatusBadRequest, carrier.BadRequest, "Unsupported protocol version")
	case query.Has("j"):
		carrier.Refuse(w, http.StatusBadRequest, carrier.BadRequest, "JSONP is not served")
	case !begins && c == nil:
		carrier.Refuse(w, http.StatusBadRequest, carrier.UnknownSession, "Session ID unknown")
	case begins && h.full() && h.isIdentified(r):
		carrier.Refuse(w, http.StatusServiceUnavailable, carrier.BadRequest, "Too many connections")
	default:
		if begins {
			h.awaitCookie(r)
		} else if !c.Admitted() {
			c.shows(r)
		}
		h.carrier.Serve(w, r, session)
	}
}

// keysOf are those that a client may have meant as its key in the payload of its first packet; the first is none.
func keysOf(auth map[string]any) []string {
	keys := []string{""}
	for _, name := range []string{"apiKey", "token", "key"} {
		if key, _ := auth[name].(string); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}
