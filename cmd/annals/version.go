package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"annals/cmd/internal/node"
)

// Version is the command that says which annals this is.
type Version struct{}

// Run implements the command.
func (Version) Run() error {
	fmt.Printf("annals %s (%s, %s), API of ElizaOS %s\n", node.Release, commit(), runtime.Version(), node.Version)
	return nil
}

// commit is what the binary was built from.
func commit() string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return "commit unknown"
	}
	of := map[string]string{}
	for _, s := range build.Settings {
		of[s.Key] = s.Value
	}
	revision := of["vcs.revision"]
	if revision == "" {
		return "commit unknown"
	}
	said := "commit " + revision[:min(len(revision), 12)]
	if of["vcs.modified"] == "true" {
		said += " with changes"
	}
	return said
}
