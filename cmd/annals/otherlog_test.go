package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
	"annals/events/embedded"
)

// shelf is an event store at one address, on one folder or another.
type shelf struct {
	t       *testing.T
	address string
	node    *embedded.Node
}

func (s *shelf) serve(dir string) {
	s.t.Helper()
	if s.node != nil {
		closeNode(s.t, s.node)
	}
	if s.address == "" {
		s.address = "127.0.0.1:0"
	}
	s.node, s.address = startTCP(s.t, dir, s.address)
}

// backup copies the folder that is served, as it is now.
func (s *shelf) backup(dir string) string {
	s.t.Helper()
	closeNode(s.t, s.node)
	s.node = nil
	to := s.t.TempDir() + "/backup"
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		s.t.Fatal(err)
	}
	s.serve(dir)
	return to
}

// refused waits until nothing is written and health says why.
func refusesTheLog(t *testing.T, c *client, channel string) {
	t.Helper()
	eventually(t, time.Minute, "health says that it is another log", func() bool {
		status, found := readHealth(t, c)
		return status == http.StatusServiceUnavailable && strings.Contains(found.Dependencies["eventstore"], "annals rebuild --all")
	})
	for range 3 {
		if _, a, err := c.post(t.Context(), channel, "lost"); err != nil || a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" ||
			!strings.Contains(string(a.body), "another log") {
			t.Fatalf("a write to another log: %d %s: %v", a.status, a.body, err)
		}
	}
}

func says(t *testing.T, c *client, channel, content string) {
	t.Helper()
	eventually(t, time.Minute, content+" is taken", func() bool {
		_, a, err := c.post(t.Context(), channel, content)
		return err == nil && a.status == http.StatusCreated
	})
	eventually(t, time.Minute, content+" can be read", func() bool {
		a, err := c.call(t.Context(), http.MethodGet, "/api/messaging/central-channels/"+channel+"/messages?limit=1000", nil)
		return err == nil && strings.Contains(string(a.body), content)
	})
}

// A store that was set back, begun anew or exchanged is not written to, neither by a server that runs nor by one that starts.
func TestOutageByAnotherLogAtTheSameAddressStopsWritesUntilTheRightOneIsBack(t *testing.T) {
	t.Parallel() // it waits most of the time
	dir := t.TempDir() + "/events"
	store := &shelf{t: t}
	store.serve(dir)
	config := func(c *node.Config) { c.EventStoreURL = "esdb://" + store.address + "?tls=false" }
	s := inside(t, config)
	channel := s.channel(t, "GROUP")
	says(t, s.client, channel, "before the backup")
	older := store.backup(dir)
	says(t, s.client, channel, "after the backup")

	other := &shelf{t: t}
	elsewhere := t.TempDir() + "/events"
	other.serve(elsewhere)
	o := inside(t, func(c *node.Config) { c.EventStoreURL = "esdb://" + other.address + "?tls=false" })
	talk := o.channel(t, "GROUP")
	for range 50 {
		says(t, o.client, talk, "elsewhere")
	}
	if err := o.stop(); err != nil {
		t.Fatal(err)
	}
	closeNode(t, other.node)

	for name, wrong := range map[string]string{"an older backup": older, "an empty store": t.TempDir() + "/events", "another log": elsewhere} {
		t.Log(name)
		store.serve(wrong)
		refusesTheLog(t, s.client, channel)
		store.serve(dir)
		says(t, s.client, channel, "back from "+name)
	}
}

// on is the configuration of a server on a store and a database.
func on(t *testing.T, store *shelf, database string) node.Config {
	t.Helper()
	return node.Config{
		Listening: node.Listening{Host: "127.0.0.1"}, CharacterFiles: node.CharacterFiles{CharactersDir: "../../deploy/characters"},
		Places: node.Places{
			DataDir: t.TempDir(), LogLevel: "error", PostgresURL: database, EventStoreURL: "esdb://" + store.address + "?tls=false",
		},
		CharacterURLs: "off", RateLimit: "off", Salt: node.Salt{SecretSalt: "secretsalt"},
	}
}

// A server that starts while PostgreSQL is away takes an empty store for what it is: by its chain, or when PostgreSQL is back.
func TestOutageByAnEmptyStoreIsNoticedWhilePostgresIsAway(t *testing.T) {
	t.Parallel() // it waits most of the time
	dir := t.TempDir() + "/events"
	store := &shelf{t: t}
	store.serve(dir)
	cluster := pgtest.Start(t, pgtest.Dir(t))
	c := on(t, store, cluster.URL())
	s := insideWith(t, c)
	channel := s.channel(t, "GROUP")
	says(t, s.client, channel, "before")
	if err := errors.Join(s.stop(), cluster.Stop(t.Context())); err != nil {
		t.Fatal(err)
	}
	store.serve(t.TempDir() + "/events")
	s = insideWith(t, c)
	refusesTheLog(t, s.client, channel)
	elsewhere := []string{"SERVER_PORT=0", "POSTGRES_URL=" + c.PostgresURL, "EVENTSTORE_URL=" + c.EventStoreURL}
	if out, ill := doctor(t, append(elsewhere, "DATA_DIR="+t.TempDir())...); !ill || strings.Contains(out, "rebuild") {
		t.Errorf("the doctor of a server that has seen nothing says %s", out)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	settings := append(elsewhere, "DATA_DIR="+c.DataDir)
	if out, ill := doctor(t, settings...); !ill || !strings.Contains(out, "annals rebuild --all") {
		t.Errorf("the doctor says %s", out)
	}
	if err := os.Remove(node.ChainIn(c.DataDir)); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(2*time.Second, func() { again(t, cluster) })
	s = insideWith(t, c)
	refusesTheLog(t, s.client, channel)
	if out, ill := doctor(t, settings...); !ill || !strings.Contains(out, "annals rebuild --all") {
		t.Errorf("the doctor says %s", out)
	}
	store.serve(dir)
	says(t, s.client, channel, "after")
}

func TestOutageByAnotherLogIsOverWhenAnOperatorDecides(t *testing.T) {
	t.Parallel() // it waits most of the time
	for _, name := range []string{"an older backup", "an empty store"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir() + "/events"
			store := &shelf{t: t}
			store.serve(dir)
			c := on(t, store, pgtest.New(t))
			s := insideWith(t, c)
			channel := s.channel(t, "GROUP")
			says(t, s.client, channel, "before")
			wrong := t.TempDir() + "/events"
			if name == "an older backup" {
				wrong = store.backup(dir)
			}
			says(t, s.client, channel, "lost")
			if err := s.stop(); err != nil {
				t.Fatal(err)
			}
			store.serve(wrong)
			s = insideWith(t, c) // which has seen nothing itself
			refusesTheLog(t, s.client, channel)
			if err := s.stop(); err != nil {
				t.Fatal(err)
			}
			r := Rebuild{Places: c.Places, All: true}
			if err := r.Run(context.WithoutCancel(t.Context())); err != nil {
				t.Fatal(err)
			}
			s = insideWith(t, c)
			if name == "an empty store" {
				channel = s.channel(t, "GROUP")
			}
			says(t, s.client, channel, "after")
			if got := s.messages(t, channel); strings.Contains(textsOf(got), "lost") || strings.Contains(textsOf(got), "before") != (name == "an older backup") {
				t.Errorf("messages: %v", got)
			}
			if err := s.stop(); err != nil {
				t.Fatal(err)
			}
			verified(t, "after the decision", []string{"DATA_DIR=" + c.DataDir, "POSTGRES_URL=" + c.PostgresURL, "EVENTSTORE_URL=" + c.EventStoreURL}, nil)
		})
	}
}

func textsOf(all []message) (text string) {
	for _, m := range all {
		text += m.Content + "\n"
	}
	return text
}
