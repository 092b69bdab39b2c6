package httpapi_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"annals/transport/httpapi"
)

// pipes is a listener whose connections stay in the process, so that time can be that of the test.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p pipes) Close() error { close(p); return nil }

func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func TestABodyThatArrivesTooSlowlyIsCutOff(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path, typ string
		status    int
	}{
		"wanted":          {"/api/messaging/servers", "application/json", http.StatusRequestTimeout},
		"of a wrong kind": {"/api/messaging/servers", "text/plain", http.StatusBadRequest},
		"sent to nobody":  {"/api/nothing", "application/json", http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				listener, server := make(pipes), httpapi.Server(httpapi.New(httpapi.Options{}), slog.New(slog.DiscardHandler))
				go func() { _ = server.Serve(listener) }()
				client, there := net.Pipe()
				listener <- there
				began := time.Now()
				var writing sync.WaitGroup
				writing.Go(func() {
					_, err := fmt.Fprintf(client, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: 1000\r\n\r\n", c.path, c.typ)
					for err == nil { // a byte now and then is no progress
						time.Sleep(time.Second)
						_, err = client.Write([]byte(" "))
					}
				})
				response, err := http.ReadResponse(bufio.NewReader(client), nil)
				must(t, err)
				raw, err := io.ReadAll(response.Body)
				must(t, err)
				if took := time.Since(began); response.StatusCode != c.status || took != 20*time.Second {
					t.Errorf("after %v: %s %s", took, response.Status, raw)
				}
				must(t, client.Close())
				writing.Wait()
				must(t, server.Shutdown(t.Context()))
			})
		})
	}
}
