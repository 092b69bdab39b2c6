//go:build ignore

// This program collects the notices of the Go modules that the binary is linked with. It is run at the top of the repository, when go.mod
// has changed:
//
//	go run deploy/licenses/collect.go
package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var notice = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|unlicense)([.-].*)?$`)

func main() {
	log.SetFlags(0)
	listed, err := exec.Command("go", "list", "-tags", "nomsgpack", "-deps", "-f", `{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}`, "./cmd/annals").Output()
	if err != nil {
		log.Fatal(err)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		log.Fatal(err)
	}
	modules := strings.Split(strings.TrimSpace(string(listed)), "\n")
	slices.Sort(modules)
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
	write(z, "the Go standard library", strings.TrimSpace(string(root)))
	for _, m := range slices.Compact(modules) {
		parts := strings.Fields(m)
		if len(parts) == 3 {
			write(z, parts[0]+" "+parts[1], parts[2])
		}
	}
	if err := z.Close(); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("deploy/licenses/modules.txt.gz", out.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}

// write writes the notices in a module's folder.
func write(z *gzip.Writer, name, folder string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintf(z, "== %s\n\n", name)
	found := false
	for _, e := range entries {
		if !notice.MatchString(e.Name()) || e.IsDir() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			log.Fatal(err)
		}
		found = true
		fmt.Fprintf(z, "%s\n\n", bytes.TrimSpace(text))
	}
	if !found {
		log.Fatalf("%s has no notice in %s", name, folder)
	}
}
