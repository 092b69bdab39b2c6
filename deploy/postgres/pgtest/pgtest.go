// Package pgtest gives tests real PostgreSQL databases: New one in a cluster that all test binaries of a run share,
// Own a cluster to be killed and stopped.
package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"annals/deploy/postgres"
)

const limit = time.Minute

var created atomic.Int64

// New gives the test an empty database of its own, with the vector extension, in a cluster shared by the whole run of
// go test. The database is dropped at the end of the test, whoever is still connected; close pools before.
func New(t testing.TB) string {
	t.Helper()
	return copyOf(t, "annals")
}

// Template is a database that is prepared once in a process, and copied for each test: that is quicker than to prepare each.
type Template struct {
	once sync.Once
	name string // empty where the preparation failed
}

// New gives the test a database of its own as prepare left the template. The first test that calls it runs prepare, which has to close its
// connections. The template itself ends with the cluster.
func (p *Template) New(t testing.TB, prepare func(url string)) string {
	t.Helper()
	p.once.Do(func() {
		shared, name := shared(t), newName()
		create(t, shared, name, "annals")
		prepare(inDatabase(t, shared, name))
		p.name = name
	})
	if p.name == "" {
		t.Fatal("the database could not be prepared for the first test")
	}
	return copyOf(t, p.name)
}

func shared(t testing.TB) (url string) {
	t.Helper()
	shared, err := join()
	if err != nil {
		t.Fatalf("shared PostgreSQL: %v", err)
	}
	return shared.url
}

func newName() string { return fmt.Sprintf("test_%d_%d", os.Getpid(), created.Add(1)) }

func copyOf(t testing.TB, template string) string {
	t.Helper()
	shared, name := shared(t), newName()
	create(t, shared, name, template)
	t.Cleanup(func() { execute(t, shared, "drop database "+name+" with (force)") })
	return inDatabase(t, shared, name)
}

// create makes a copy of a database. PostgreSQL 15 and later would write the copy to the write-ahead log as well unless it is told to copy
// the files, as earlier versions do: nothing is lost by that where nothing is synced, and it takes a quarter of the time.
func create(t testing.TB, shared, name, template string) {
	t.Helper()
	execute(t, shared, "create database "+name+" template "+template, func(version int) string {
		if version >= 15 {
			return " strategy file_copy"
		}
		return ""
	})
}

// execute runs a statement outside of the databases that are created and dropped.
func execute(t testing.TB, shared, statement string, with ...func(version int) string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	conn, err := pgx.Connect(ctx, inDatabase(t, shared, "postgres"))
	if err != nil {
		t.Fatalf("connect to the shared PostgreSQL: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	version, _ := strconv.Atoi(strings.FieldsFunc(conn.PgConn().ParameterStatus("server_version"), func(r rune) bool { return r < '0' || r > '9' })[0])
	for _, more := range with {
		statement += more(version)
	}
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func inDatabase(t testing.TB, shared, name string) string {
	t.Helper()
	u, err := url.Parse(shared)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	// url.URL writes an empty host away, which pgx wants to see.
	return strings.Replace(u.String(), "postgres:/"+name, "postgres:///"+name, 1)
}

// Own starts a cluster that belongs to this test alone: kill it by its PID, Stop it, Start it again in its Dir.
func Own(t testing.TB) *postgres.Cluster {
	t.Helper()
	return Start(t, Dir(t)+"/postgres")
}

// Start starts the cluster in dir with nothing synced to disk, and stops it at the end of the test unless it is stopped by then. The
// server gets more environment.
func Start(t testing.TB, dir string, environment ...string) *postgres.Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	c, err := postgres.Start(ctx, postgres.Options{Dir: dir, Ephemeral: true, Environment: environment, Say: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		if err := c.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return c
}

// Dir is a DATA_DIR for a test which, unlike t.TempDir, can be entered by the account that the server runs as under root.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "annals-pgtest")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}
