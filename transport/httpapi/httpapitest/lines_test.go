package httpapitest

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

const aStream = `{"openapi":"3.1.0","paths":{"/api/log":{"get":{"responses":{"200":{"content":{
	"application/x-ndjson":{"schema":{"type":"string","contentSchema":{"$ref":"#/components/schemas/Line"}}},
	"text/event-stream":{"schema":{"type":"string","contentSchema":{"$ref":"#/components/schemas/Line"}}}}}}}}},
	"components":{"schemas":{"Line":{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"],"additionalProperties":false}}}}`

func TestEachLineOfAnAnswerThatGoesOnIsHeldAgainstItsDescription(t *testing.T) {
	t.Parallel()
	d, err := Read([]byte(aStream))
	if err != nil {
		t.Fatal(err)
	}
	for body, c := range map[string]struct {
		typ    string
		broken int
	}{
		"{\"n\":1}\n{\"n\":2}\n":                            {lines, 0},
		"{\"n\":1}\n{\"n\":\"2\"}\n{\"m\":3}\n{\"n\":4}\n":  {lines, 2},
		"{\"n\":1}\n{\"n\":":                                {lines, 1},
		": here\n\nevent: log\nid: 7\ndata: {\"n\":1}\n\n":  {eventStream, 0},
		"event: log\nid: 7\ndata: {\"n\":null}\n\n":         {eventStream, 1},
		"event: other\nid: 7\ndata: {\"n\":1}\n\nn: 1\n\n":  {eventStream, 2},
		"event: log\nid: 7\ndata: {\"n\":1,\"more\":2}\n\n": {eventStream, 1},
	} {
		broken := 0
		through := d.Transport(answering{c.typ + "; charset=utf-8", body}, func(error) { broken++ })
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/api/log", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := through.RoundTrip(q)
		if err != nil {
			t.Fatal(err)
		}
		read, err := io.ReadAll(res.Body)
		if err != nil || string(read) != body || broken != c.broken || res.Body.Close() != nil {
			t.Errorf("%q was read as %q, %v, broken %d times and not %d", body, read, err, broken, c.broken)
		}
	}
}

// answering is a server that always says the same, a byte at a time.
type answering struct{ typ, body string }

func (a answering) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {a.typ}},
		Body: io.NopCloser(oneByOne{strings.NewReader(a.body)}),
	}, nil
}

type oneByOne struct{ io.Reader }

func (o oneByOne) Read(p []byte) (int, error) { return o.Reader.Read(p[:min(len(p), 1)]) }
