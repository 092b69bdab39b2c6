package httpapitest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// Answer is what came back.
type Answer struct {
	T      testing.TB
	What   string
	Status int
	Header http.Header
	Body   []byte
}

// Ask sends a request; body may be text, or anything that becomes JSON. Headers come in pairs.
func (s *Server) Ask(method, path string, body any, headers ...string) Answer {
	s.T.Helper()
	var content io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		must(s.T, err)
		content = bytes.NewReader(raw)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, s.URL+path, content)
	must(s.T, err)
	if content != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	response, err := Described().Transport(http.DefaultTransport, func(err error) { s.T.Error(err) }).RoundTrip(r)
	must(s.T, err)
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	must(s.T, err)
	return Answer{s.T, method + " " + path, response.StatusCode, response.Header, raw}
}

// Is fails the test unless the status is that.
func (a Answer) Is(status int) Answer {
	a.T.Helper()
	if a.Status != status {
		a.T.Fatalf("%s: status %d, not %d: %s", a.What, a.Status, status, a.Body)
	}
	return a
}

// Refused fails the test unless the answer is an error in its envelope with that status and code.
func (a Answer) Refused(status int, code string) Answer {
	a.T.Helper()
	var e struct {
		Success *bool
		Error   struct{ Code, Message string }
	}
	if err := json.Unmarshal(a.Body, &e); err != nil || e.Success == nil || *e.Success || e.Error.Message == "" {
		a.T.Fatalf("%s: status %d, no error in an envelope: %.300s", a.What, a.Status, a.Body)
	}
	if a.Is(status); e.Error.Code != code {
		a.T.Fatalf("%s: code %s, not %s: %s", a.What, e.Error.Code, code, a.Body)
	}
	return a
}

// Data decodes the data of a success.
func (a Answer) Data(into any) Answer {
	a.T.Helper()
	var e struct {
		Success bool
		Data    json.RawMessage
	}
	if err := json.Unmarshal(a.Body, &e); err != nil || !e.Success {
		a.T.Fatalf("%s: no success: %s", a.What, a.Body)
	}
	must(a.T, json.Unmarshal(e.Data, into))
	return a
}

// At decodes data at a dotted path, such as "servers.0.id"; nil where a list is too short.
func (a Answer) At(path string) any {
	a.T.Helper()
	var v any
	a.Data(&v)
	return a.within(v, path)
}

// Field is at from the top of the answer.
func (a Answer) Field(path string) any {
	a.T.Helper()
	var v any
	must(a.T, json.Unmarshal(a.Body, &v))
	return a.within(v, path)
}

func (a Answer) within(v any, path string) any {
	a.T.Helper()
	for _, key := range strings.Split(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[key]
		case []any:
			i, err := strconv.Atoi(key)
			must(a.T, err)
			if v = nil; i < len(in) {
				v = in[i]
			}
		default:
			a.T.Fatalf("%s: no %s in %s", a.What, path, a.Body)
		}
	}
	return v
}

// Text is at for a text.
func (a Answer) Text(path string) string {
	a.T.Helper()
	s, ok := a.At(path).(string)
	if !ok {
		a.T.Fatalf("%s: no text at %s in %s", a.What, path, a.Body)
	}
	return s
}
