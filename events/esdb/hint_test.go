package esdb_test

import (
	"context"
	"log/slog"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"annals/events/embedded"
	"annals/events/esdb"
	"annals/events/esdb/esdbtest"
)

// said is a log that is written and read at the same time.
type said struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *said) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(line)
}

func (s *said) has(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(s.text.String(), text)
}

func TestAStoreThatCannotBeReachedIsWaitedForAloud(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // nothing to wait for
	if err != nil {
		t.Fatal(err)
	}
	node, err := embedded.Open(t.Context(), embedded.Options{Dir: "log", FS: vfs.NewMem(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = node.Serve(l) }()
	t.Cleanup(func() { _ = node.Close(context.WithoutCancel(t.Context())) })
	secure := esdbtest.Over(t, esdbtest.TLS)
	address := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(secure.Options().URL)
	for url, hint := range map[string]string{
		"esdb://127.0.0.1:1?tls=false":     "see that it runs",
		"esdb://" + l.Addr().String():      "add ?tls=false",
		"esdb://" + address + "?tls=false": "leave tls=false out",
		"esdb://" + address:                "name its authority with tlsCAFile",
	} {
		log := &said{}
		s, err := esdb.Open(t.Context(), esdb.Options{URL: url, Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
		if err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(time.Minute); !log.has(hint); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: it says %s", url, log.text.String())
			}
		}
		_ = s.Close(t.Context())
	}
}
