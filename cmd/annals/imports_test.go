package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// may is the table of DESIGN section 2: what each package may import of ours. A name stands for the packages below it too.
var may = map[string][]string{
	"events":             {},
	"events/chain":       {"events"},
	"events/esdb":        {"events"},
	"events/embedded":    {},
	"events/vault":       {"events"},
	"commands":           {"events"},
	"commands/reactions": {"events", "commands"},
	"projections":        {"events", "projections/engine"},
	"projections/engine": {"events"},
	"queries":            {"events"},
	"transport":          {"commands", "queries", "events", "transport"},
	"transport/models":   {"commands/reactions", "events", "transport/models"},
	"deploy/host":        {},
	"deploy/postgres":    {"deploy/postgres", "deploy/host"},
	"cmd":                {"events", "commands", "projections", "queries", "transport", "deploy"},
}

func TestPackagesImportOnlyWhatTheDesignAllows(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "annals/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		name := strings.TrimPrefix(fields[0], "annals/")
		if strings.HasSuffix(name, "test") {
			continue // for tests alone
		}
		allowed := may[closest(name)]
		for _, imported := range fields[1:] {
			other, ours := strings.CutPrefix(imported, "annals/")
			if ours && strings.HasSuffix(other, "test") {
				t.Errorf("%s imports %s, which is for tests alone", name, other)
			}
			if ours && !slices.ContainsFunc(allowed, func(a string) bool { return a == other || a != "events" && strings.HasPrefix(other, a+"/") }) && closest(name) != "cmd" {
				t.Errorf("%s imports %s; DESIGN section 2 allows it %v", name, other, allowed)
			}
		}
	}
}

// closest is the most exact entry of the table for a package.
func closest(name string) string {
	best := ""
	for entry := range may {
		if (name == entry || strings.HasPrefix(name, entry+"/")) && len(entry) > len(best) {
			best = entry
		}
	}
	return best
}
