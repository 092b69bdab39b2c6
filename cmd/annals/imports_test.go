package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// row is what packages may import of ours.
type row struct {
	packages string
	imports  []string
}

// may is the table of DESIGN section 2: what each package may import of ours. "x/..." stands for the packages below x; the
// first row that fits a package counts.
var may = []row{
	{"events", nil},
	{"events/chain", []string{"events"}},
	{"events/esdb", []string{"events"}},
	{"events/embedded", nil},
	{"events/vault", []string{"events"}},
	{"events/terms", nil},
	{"commands", []string{"events"}},
	{"commands/reactions", []string{"events", "commands"}},
	{"projections", []string{"events", "events/terms", "projections/engine"}},
	{"projections/engine", []string{"events"}},
	{"queries", []string{"events", "events/terms"}},
	{"transport/problem", []string{"events", "commands", "queries"}},
	{"transport/httpapi", append([]string{"transport/httpapi/..."}, intoTransport...)},
	{"transport/httpapi/example", []string{"events", "queries"}},
	{"transport/httpapi/frame", append([]string{"transport/httpapi/example"}, intoTransport...)},
	{"transport/httpapi/history", append([]string{"transport/httpapi/frame", "transport/httpapi/example", "events/chain"}, intoTransport...)},
	{"transport/attest", []string{"events/chain"}},
	{"transport/httpapi/talk", []string{"transport/httpapi/frame", "transport/httpapi/example", "transport/problem", "events", "queries"}},
	{"transport/httpapi/...", append([]string{"transport/httpapi/frame", "transport/httpapi/example", "transport/httpapi/talk"}, intoTransport...)}, // domains
	{"transport/models", []string{"events", "commands", "commands/reactions", "transport/models/..."}},                                              // the registry
	{"transport/models/...", []string{"events", "commands", "commands/reactions", "transport/models/...", "transport/publicnet"}},
	{"transport/socketio", append([]string{"transport/socketio/carrier"}, intoTransport...)},
	{"transport/socketio/carrier", []string{"transport/limits"}},
	{"transport/media/...", []string{"transport/media"}},
	{"transport/...", intoTransport},
	{"deploy/host", nil},
	{"deploy/licenses", nil},
	{"deploy/postgres", []string{"deploy/host"}},
	{"cmd/...", []string{"events", "events/...", "commands", "commands/...", "projections", "projections/...", "queries", "transport/...", "deploy/...", "cmd/internal/..."}},
}

// intoTransport is what every way in or out may import: the layers below, and what several ways share.
var intoTransport = []string{
	"events", "commands", "queries", "transport/problem", "transport/characters", "transport/confined", "transport/documents", "transport/dotenv", "transport/eliza",
	"transport/limits", "transport/media", "transport/publicnet", "transport/secrets", "transport/serverlog",
}

func TestPackagesImportOnlyWhatTheDesignAllows(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "annals/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		name := strings.TrimPrefix(fields[0], "annals/")
		if forTests(name) {
			continue // for tests alone
		}
		row := slices.IndexFunc(may, func(r row) bool { return fits(name, r.packages) })
		if row < 0 {
			t.Errorf("%s has no row in the table of DESIGN section 2", name)
			continue
		}
		for _, imported := range fields[1:] {
			other, ours := strings.CutPrefix(imported, "annals/")
			if ours && forTests(other) {
				t.Errorf("%s imports %s, which is for tests alone", name, other)
			}
			if ours && !slices.ContainsFunc(may[row].imports, func(allowed string) bool { return fits(other, allowed) }) {
				t.Errorf("%s imports %s; DESIGN section 2 allows it %v", name, other, may[row].imports)
			}
		}
	}
}

// forTests reports whether a package is for tests alone, by its name.
func forTests(name string) bool {
	return strings.HasSuffix(name, "test") && !strings.HasSuffix(name, "/attest")
}

// fits reports whether a pattern stands for a package.
func fits(name, pattern string) bool {
	above, below := strings.CutSuffix(pattern, "/...")
	return name == pattern || below && strings.HasPrefix(name, above+"/")
}
