package embedded_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"annals/events/embedded"
)

func TestHealthIsToldOnThePortOfTheNode(t *testing.T) {
	t.Parallel()
	for scheme, secure := range map[string]*tls.Config{"http": nil, "https": selfSigned(t)} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			address := listenTCP(t, startNode(t, embedded.Options{TLS: secure}))
			client := httpClient(t)
			for path, want := range map[string]int{"/health/live": http.StatusNoContent, "/other": http.StatusNotFound} {
				answer, err := client.Get(scheme + "://" + address + path)
				must(t, err)
				must(t, answer.Body.Close())
				equal(t, answer.StatusCode, want)
			}
		})
	}
}

func httpClient(t testing.TB) *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // made for this test
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

func TestAPingIsAnsweredOnThePortOfTheNode(t *testing.T) {
	t.Parallel()
	address := listenTCP(t, startNode(t, embedded.Options{}))
	answer, err := httpClient(t).Get("http://" + address + "/ping")
	must(t, err)
	var told struct {
		MsgTypeID *int   `json:"msgTypeId"`
		Text      string `json:"text"`
	}
	must(t, json.NewDecoder(answer.Body).Decode(&told))
	must(t, answer.Body.Close())
	holds(t, told.MsgTypeID != nil, "the type is missing")
	equal(t, told.Text, "Ping request successfully handled")
}

func TestASecureNodeIsPlainAndOpenOnItsUnixSocket(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{TLS: selfSigned(t)})
	n.append(t, "s", named("T", 1)...)
	equal(t, len(n.read(t, "s", esdb.ReadStreamOptions{})), 1)
}

func TestAConnectionThatSaysNothingDoesNotHoldUpClosing(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	c, err := net.Dial("tcp", listenTCP(t, n))
	must(t, err)
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	begin := time.Now()
	must(t, n.Node.Close(ctx))
	holds(t, time.Since(begin) < 5*time.Second, "closing waited for a connection that says nothing")
}
