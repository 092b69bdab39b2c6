package mcp

import (
	"bytes"
	"context"
	"net/http"
	"strings"
)

// inside asks the API of the same process, as the client whose request is answered: with its key, its address and its origin.
type inside struct {
	api   http.Handler
	outer *http.Request
}

// Do implements Asker. The question ends with the client that led to it.
func (i *inside) Do(r *http.Request, most int) (int, []byte, error) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(i.outer.Context(), cancel)() //nolint:contextcheck // or with that client
	asked := r.WithContext(ctx)
	for name, values := range i.outer.Header {
		if !ofBody(name) {
			asked.Header[name] = values
		}
	}
	asked.Host, asked.RemoteAddr, asked.TLS, asked.RequestURI = i.outer.Host, i.outer.RemoteAddr, i.outer.TLS, r.URL.RequestURI()
	a := &answer{header: http.Header{}, most: most}
	i.api.ServeHTTP(a, asked)
	if a.cut {
		return 0, nil, errTooMuch
	}
	if err := ctx.Err(); err != nil && a.status == 0 {
		return 0, nil, err
	}
	return a.status, a.body.Bytes(), nil
}

// ofBody reports whether a header is about the body of a request, or about the form of the answer: the question has its own.
func ofBody(name string) bool {
	for _, prefix := range []string{"Content-", "Accept", "If-", "Mcp-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return name == "Range" || name == "Expect" || name == "Idempotency-Key" || name == "X-Annals-After"
}

// answer keeps what the API answers, up to a bound.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
	most   int
	cut    bool
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.cut = a.cut || a.body.Len()+len(p) > a.most; a.cut {
		return 0, errTooMuch
	}
	return a.body.Write(p)
}
