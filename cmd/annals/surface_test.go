package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/prometheus/client_golang/prometheus"

	"annals/cmd/internal/node"
	"annals/cmd/internal/telemetry"
	"annals/transport/httpapi"
)

// What is seen from outside or stored is written down in testdata/surface. A change made on purpose changes the files in the
// same commit: `go test ./cmd/annals -run Surface -update` writes them.
var update = flag.Bool("update", false, "write testdata/surface instead of comparing with it")

// frozen compares lines with a file, or writes it.
func frozen(t *testing.T, name string, got string) {
	t.Helper()
	path := filepath.Join("testdata", "surface", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	had, has := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	for _, line := range had {
		if !slices.Contains(has, line) {
			t.Errorf("%s: gone: %s", path, line)
		}
	}
	for _, line := range has {
		if !slices.Contains(had, line) {
			t.Errorf("%s: new: %s", path, line)
		}
	}
	if !t.Failed() && string(want) != got {
		t.Errorf("%s has the same lines in another order or number", path)
	}
}

// lines are sorted lines, each once.
func lines(all []string) string {
	slices.Sort(all)
	return strings.Join(slices.Compact(all), "\n") + "\n"
}

func TestTheSurfaceOfTheAPIIsFrozen(t *testing.T) {
	t.Parallel()
	answer := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "http://localhost/api/openapi.json", nil)
	r.RemoteAddr = "127.0.0.1:1"
	httpapi.New(httpapi.Options{}).ServeHTTP(answer, r)
	if answer.Code != http.StatusOK {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	frozen(t, "openapi.json", indented(t, answer.Body.Bytes()))
}

func indented(t *testing.T, document []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, document, "", "\t"); err != nil {
		t.Fatal(err)
	}
	return out.String() + "\n"
}

// commandLine is the model of the command line.
func commandLine(t *testing.T) *kong.Application {
	t.Helper()
	parser, err := kong.New(new(cli), declared())
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

func TestTheSurfaceOfTheCommandLineIsFrozen(t *testing.T) {
	t.Parallel()
	var help bytes.Buffer
	for _, path := range commandPaths(commandLine(t).Node, nil) {
		args := append(slices.Clone(path), "--help")
		fmt.Fprintf(&help, "$ annals %s\n%s\n", strings.Join(args, " "), printed(t, args...))
	}
	frozen(t, "help.txt", help.String())
	frozen(t, "routes.txt", printed(t, "routes"))
}

// commandPaths are the words that lead to each command.
func commandPaths(n *kong.Node, above []string) [][]string {
	all := [][]string{above}
	for _, child := range n.Children {
		if child.Type == kong.CommandNode {
			all = append(all, commandPaths(child, append(slices.Clone(above), child.Name))...)
		}
	}
	return all
}

// printed is what annals writes, with nothing set in its environment.
func printed(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = []string{asAnnals + "=1", "COLUMNS=120", "HOME=" + t.TempDir()}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("annals %v: %v", args, err)
	}
	return string(out)
}

func TestTheSurfaceOfTheEnvironmentIsFrozen(t *testing.T) {
	t.Parallel()
	var all []string
	for _, command := range commandLine(t).Leaves(false) {
		for _, f := range command.Flags {
			for _, name := range f.Envs {
				all = append(all, fmt.Sprintf("%s is --%s", name, f.Name))
			}
		}
	}
	s := wholeSource(t)
	for _, name := range []string{"Getenv", "LookupEnv"} {
		for _, c := range s.called("os", name) {
			for _, read := range s.texts(c.Args[0]) {
				if read != unknown {
					all = append(all, read+" is read directly")
				}
			}
		}
	}
	frozen(t, "environment.txt", lines(all))
}

func TestTheSurfaceOfTheMetricsIsFrozen(t *testing.T) {
	t.Parallel()
	w, err := telemetry.New(t.Context(), "", node.Version)
	if err != nil {
		t.Fatal(err)
	}
	w.Sockets("", nil)
	w.Lags(nil)
	w.ParkedEvents(nil)
	described := make(chan *prometheus.Desc)
	go func() { w.Registry.Describe(described); close(described) }()
	var all []string
	for d := range described {
		if d := d.String(); strings.Contains(d, `"annals_`) { // others are Go's and the system's
			all = append(all, d)
		}
	}
	frozen(t, "metrics.txt", lines(all))
}

func TestTheSurfaceOfDerivedIdentifiersIsFrozen(t *testing.T) {
	t.Parallel()
	s := wholeSource(t)
	times, calls := map[string]int{}, map[string]*ast.CallExpr{}
	for _, c := range s.called("annals/events", "Derive") {
		for _, parts := range s.parts(c.Args[1:]) {
			if other := calls[parts]; other != nil && other != c && strings.Contains(parts, `"`) {
				t.Errorf("two calls derive identifiers from %s", parts)
			}
			times[parts]++
			calls[parts] = c
		}
	}
	var all []string
	for parts, n := range times {
		all = append(all, fmt.Sprintf("Derive(%s) ×%d", parts, n))
	}
	for _, name := range []string{"UniqueUUID", "StringToUUID"} {
		for _, c := range s.called("annals/events", name) {
			for _, parts := range s.parts(c.Args[len(c.Args)-1:]) {
				all = append(all, fmt.Sprintf("%s(%s)", name, parts))
			}
		}
	}
	for _, c := range s.called("annals/events", "Stream") {
		for _, noun := range s.parts(c.Args[:1]) {
			all = append(all, fmt.Sprintf("Stream(%s)", noun))
		}
	}
	frozen(t, "identifiers.txt", lines(all))
}

// parts are the arguments of a call as the code tells them, in all the ways it may be made.
func (s *goSource) parts(args []ast.Expr) []string {
	all := []string{""}
	for i, a := range args {
		var longer []string
		for _, before := range all {
			texts := []string{unknown}
			if _, field := a.(*ast.SelectorExpr); !field { // what a request holds names nothing of ours
				texts = s.texts(a)
			}
			for _, text := range texts {
				if text != unknown {
					text = fmt.Sprintf("%q", text)
				}
				if i > 0 {
					text = before + ", " + text
				}
				longer = append(longer, text)
			}
		}
		all = longer
	}
	return all
}

// wholeSource is the source of annals, read once.
func wholeSource(t *testing.T) *goSource {
	t.Helper()
	readOnce.Do(func() { read = readSource(t, "annals/cmd/annals") })
	if read == nil {
		t.Fatal("the source could not be read")
	}
	return read
}

var (
	readOnce sync.Once
	read     *goSource
)

// inSQL is what the parts of a system that share a database call by names.
var inSQL = regexp.MustCompile(`(?i)(pg_\w*advisory\w*\(hashtext\w*\('[^']+'|pg_notify\('[^']+'|\blisten +\w+|errcode = '[^']*')`)

func TestTheSurfaceOfNamesIsFrozen(t *testing.T) {
	t.Parallel()
	s := wholeSource(t)
	var all []string
	list := func(what string, names []string) {
		for _, name := range names {
			if name != unknown && name != "" {
				all = append(all, fmt.Sprintf("%s %q", what, name))
			}
		}
	}
	list("cookie", s.assigned("net/http", "Cookie", "Name"))
	list("subscription group", s.assigned("annals/events/esdb", "SubscriberOptions", "Group"))
	list("outcome of a turn", s.assigned("annals/events", "TurnCompleted", "Outcome"))
	list("reason of a turn", s.assigned("annals/events", "TurnCompleted", "Reason"))
	list("actor", s.assigned("annals/commands", "Request", "Actor"))
	for _, c := range s.called("path/filepath", "Join") {
		list("file", s.texts(c.Args[len(c.Args)-1]))
	}
	for _, text := range s.literals() {
		list("SQL", inSQL.FindAllString(text, -1))
	}
	frozen(t, "names.txt", lines(all))
}
