package remote

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

const (
	// probeTime bounds a question whether an endpoint is there, and probeLimit its answer, in bytes.
	probeTime  = 5 * time.Second
	probeLimit = 8 << 20
)

// Probe asks an endpoint for something that costs nothing. It fails if the endpoint cannot be reached, refuses the key, or is out of order;
// that it does not know what it was asked for is no failure.
func Probe(ctx context.Context, e Endpoint, url string, header http.Header) error {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	e.Timeout = probeTime
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("the model %s cannot be asked: its URL is none", e.Name)
	}
	request.Header = header
	response, err := Client(nil, probeLimit).Do(request)
	if err == nil {
		defer func() { _ = response.Body.Close() }()
		switch status := response.StatusCode; {
		case status < 400, status == http.StatusNotFound, status == http.StatusMethodNotAllowed:
			return nil
		}
	}
	return fmt.Errorf("the model %s %s", e.Name, e.Mask(e.Failed(response, err, "", "a list of models").Text))
}
