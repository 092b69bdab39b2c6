package attest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"

	"annals/events/chain"
)

// Notary is a place where signed heads are kept, and where the operator of the server should not be able to change them: a file, to
// which each is appended as a line, or a server, to which each is posted.
type Notary struct {
	to     *url.URL
	client *http.Client
}

// NewNotary reads file:///path or https://host/path.
func NewNotary(to string) (*Notary, error) {
	u, err := url.Parse(to)
	switch {
	case err != nil:
		return nil, errors.New("it is no URL") // the error would show a password in it
	case u.Scheme == "file" && u.Host == "" && filepath.IsAbs(u.Path), u.Scheme == "https" && u.Host != "":
	default:
		return nil, errors.New("it is neither file:///… nor https://…")
	}
	// A head is not sent to where another server says: that could be a part of this machine.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &Notary{to: u, client: client}, nil
}

// Send hands over a head. It returns when the head is on disk, or the server has taken it.
func (n *Notary) Send(ctx context.Context, h chain.SignedHead) error {
	if n.to.Scheme == "file" {
		return chain.Append(n.to.Path, h)
	}
	body, err := json.Marshal(h)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.to.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := n.client.Do(r)
	if err != nil {
		return fmt.Errorf("%s cannot be reached: %w", n.to.Redacted(), errors.Unwrap(err)) // the error has the URL as well
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.CopyN(io.Discard, answer.Body, 1<<10) // so that the connection serves again
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s answers %s", n.to.Redacted(), answer.Status)
	}
	return nil
}
