package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
	"annals/transport/httpapi/server"
)

// release records an event of a type that this build does not know, as a newer one might. The store is named by its URL, or
// by the path of its socket.
func release(t *testing.T, store string) {
	t.Helper()
	if err := tryRelease(t, store); err != nil {
		t.Fatal(err)
	}
}

func tryRelease(t *testing.T, store string) error {
	t.Helper()
	config := &esdb.Configuration{
		Address: "unix:" + store, DisableTLS: true, NodePreference: esdb.NodePreferenceLeader, GossipTimeout: 5, MaxDiscoverAttempts: 3,
	}
	var err error
	if strings.HasPrefix(store, "esdb://") {
		if config, err = esdb.ParseConnectionString(store); err != nil {
			t.Fatal(err)
		}
	}
	client, err := esdb.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_, err = client.AppendToStream(t.Context(), "pigeon-"+uuid.NewString(), esdb.AppendToStreamOptions{}, esdb.EventData{
		EventID: uuid.New(), EventType: "PigeonReleased", ContentType: esdb.ContentTypeJson, Data: []byte(`{}`), Metadata: []byte(`{}`),
	})
	return err
}

// doctor gives what `annals doctor` says, and whether it found anything wrong.
func doctor(t *testing.T, settings ...string) (string, bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "doctor")
	cmd.Env = append(append(os.Environ(), asAnnals+"=1", "CHARACTERS_DIR=../../deploy/characters"), settings...)
	out, err := cmd.Output()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), err != nil
}

func readHealth(t *testing.T, c *client) (status int, found struct {
	Dependencies map[string]string
	Projections  []server.ProjectionHealth
},
) {
	t.Helper()
	a, err := c.call(t.Context(), http.MethodGet, "/api/server/health", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(a.body, &found); err != nil {
		t.Fatal(err)
	}
	return a.status, found
}

func TestAnEventThatThisBuildDoesNotKnowTurnsHealthRedAndIsNamedByTheDoctor(t *testing.T) {
	t.Parallel()
	dir, database := t.TempDir(), pgtest.New(t)
	p := spawn(t, "SERVER_PORT=0", "DATA_DIR="+dir, "POSTGRES_URL="+database)
	settings := []string{
		"DATA_DIR=" + dir, "POSTGRES_URL=" + database, "SERVER_PORT=" + p.base[strings.LastIndex(p.base, ":")+1:],
	}
	channel := p.channel(t, "GROUP")
	if said, ill := doctor(t, settings...); ill || !regexp.MustCompile(`messages \(version \d+, generation 5\): up to date`).MatchString(said) {
		t.Errorf("a healthy server: %s", said)
	}
	release(t, node.SocketPath(dir))
	var reason string
	eventually(t, time.Minute, "health is red", func() bool {
		status, found := readHealth(t, p.client)
		reason = found.Dependencies["projections"]
		return status == http.StatusServiceUnavailable && reason != "healthy"
	})
	if !strings.Contains(reason, "PigeonReleased") {
		t.Errorf("the reason does not name the event: %s", reason)
	}
	// Writes are taken, and are what the read models lag behind.
	if _, a, err := p.post(t.Context(), channel, "taken all the same"); err != nil || a.status != http.StatusCreated {
		t.Errorf("%d %s: %v", a.status, a.body, err)
	}
	eventually(t, time.Minute, "every group stands still and says why", func() bool {
		_, found := readHealth(t, p.client)
		return !slices.ContainsFunc(found.Projections, func(r server.ProjectionHealth) bool {
			return r.Lag.Events < 2 || r.Lag.Seconds <= 0 || !strings.Contains(r.Stopped, "PigeonReleased")
		})
	})
	said, ill := doctor(t, settings...)
	if !ill || !strings.Contains(said, "PigeonReleased") || !strings.Contains(said, "start the newer build") {
		t.Errorf("the doctor says: %s", said)
	}
}

func TestAServerThatSaysWhereItListensAnswersEveryKindOfQuestion(t *testing.T) {
	t.Parallel()
	for range 3 {
		s := inside(t, func(*node.Config) {})
		if a := s.must(t, http.StatusOK, http.MethodGet, "/api/history/events", nil); !strings.Contains(string(a.body), "LogOpened") {
			t.Errorf("the history: %s", a.body)
		}
		s.must(t, http.StatusNotFound, http.MethodGet, "/api/memory/agents/"+somebody+"/memories/search?q=x", nil)
		s.must(t, http.StatusOK, http.MethodGet, "/api/agents", nil)
	}
}
