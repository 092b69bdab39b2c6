package attest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"annals/events/chain"
)

func TestOnlyAFileOrAServerOverTLSIsANotary(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"", "heads", "file://host/heads", "file:heads", "http://notary.example/", "https://", "ftp://x/", "https://user:secret@[/"} {
		if _, err := NewNotary(to); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", to, err)
		}
	}
}

func TestHeadsAreAppendedToAFileBehindWhatACrashHasLeft(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "heads")
	n, err := NewNotary("file://" + path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(3) {
		if err := n.Send(t.Context(), chain.SignedHead{Format: chain.FormatHead, Events: i + 1}); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = f.WriteString(`{"format":"annals-`)
		_ = f.Close()
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if signed, _, err := chain.ReadKept(f); err != nil || len(signed) != 3 || signed[2].Events != 3 {
		t.Errorf("%+v %v", signed, err)
	}
}

func TestHeadsArePostedAndARefusalOrAnotherPlaceIsAnError(t *testing.T) {
	t.Parallel()
	var got bytes.Buffer
	hang := make(chan struct{})
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/keep":
			_, _ = io.Copy(&got, r.Body)
			w.WriteHeader(http.StatusCreated)
		case "/redirect":
			http.Redirect(w, r, "/keep", http.StatusTemporaryRedirect)
		case "/hang":
			<-hang
		default:
			http.Error(w, "no", http.StatusForbidden)
		}
	}))
	defer server.Close()
	defer close(hang)
	send := func(ctx context.Context, path string) error {
		n, err := NewNotary(strings.Replace(server.URL, "https://", "https://user:hidden@", 1) + path)
		if err != nil {
			t.Fatal(err)
		}
		n.client.Transport = server.Client().Transport
		return n.Send(ctx, chain.SignedHead{Format: chain.FormatHead, Events: 5})
	}
	if err := send(t.Context(), "/keep"); err != nil {
		t.Fatal(err)
	}
	if signed, _, err := chain.ReadKept(&got); err != nil || len(signed) != 1 || signed[0].Events != 5 {
		t.Errorf("%+v %v", signed, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range map[string]error{
		"refused": send(t.Context(), "/other"), "redirected": send(t.Context(), "/redirect"), "out of time": send(ended, "/hang"),
	} {
		if err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got.Len() > 0 {
		t.Error("a head followed a redirect")
	}
}
