package mcp

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Remote asks the API of a running server.
type Remote struct {
	// Base is where the server answers by now: it may have been started again.
	Base func() (*url.URL, error)
	Key  string // may be empty
	HTTP *http.Client
}

// Do implements Asker.
func (m *Remote) Do(r *http.Request, most int) (status int, answer []byte, err error) {
	base, err := m.Base()
	if err != nil {
		return 0, nil, err
	}
	r.URL = base.ResolveReference(r.URL)
	if m.Key != "" {
		r.Header.Set("X-Api-Key", m.Key)
	}
	a, err := m.HTTP.Do(r)
	if err != nil {
		if of := new(url.Error); errors.As(err, &of) {
			err = of.Err
		}
		return 0, nil, fmt.Errorf("no server answers at %s: %w", base, err)
	}
	defer func() { err = errors.Join(err, a.Body.Close()) }()
	answer, err = io.ReadAll(io.LimitReader(a.Body, int64(most)+1))
	if err == nil && len(answer) > most {
		return 0, nil, errTooMuch
	}
	return a.StatusCode, answer, err
}
