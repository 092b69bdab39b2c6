package postgres

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// server is one installation of PostgreSQL.
type server struct {
	major           int
	bin, lib, share string // folders of programs, of modules, and above extension/
}

func (s server) program(name string) string { return filepath.Join(s.bin, name) }

func (s server) hasVector() bool {
	module := "vector.so"
	if runtime.GOOS == "darwin" {
		module = "vector.dylib"
	}
	return isFile(filepath.Join(s.lib, module)) && isFile(filepath.Join(s.share, "extension", "vector.control"))
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// servers lists the installations on this machine, the newest first, the machine's own before private copies.
func servers(ctx context.Context) []server {
	var found []server
	for _, bin := range binFolders(ctx) {
		if !isFile(filepath.Join(bin, "postgres")) || !isFile(filepath.Join(bin, "initdb")) {
			continue
		}
		if s, err := inspect(ctx, bin); err == nil {
			found = append(found, s)
		}
	}
	slices.SortStableFunc(found, func(a, b server) int { return cmp.Compare(b.major, a.major) })
	return found
}

func binFolders(ctx context.Context) []string {
	var folders []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",
		"/opt/homebrew/opt/postgresql*/bin",
		"/usr/local/opt/postgresql*/bin",
		filepath.Join(privateCopies(), "*", "lib/postgresql/*/bin"),
	} {
		matches, _ := filepath.Glob(pattern)
		folders = append(folders, matches...)
	}
	if out, err := output(ctx, "pg_config", "--bindir"); err == nil {
		folders = append(folders, strings.TrimSpace(out))
	}
	return folders
}

var majorVersion = regexp.MustCompile(`^PostgreSQL (\d+)`)

// inspect asks the installation itself where its parts are: they move with a copy.
func inspect(ctx context.Context, bin string) (server, error) {
	out, err := output(ctx, filepath.Join(bin, "pg_config"), "--version", "--pkglibdir", "--sharedir")
	if err != nil {
		return server{}, err
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	version := majorVersion.FindStringSubmatch(lines[0])
	if len(lines) != 3 || version == nil {
		return server{}, fmt.Errorf("%s/pg_config answers %q", bin, out)
	}
	major, err := strconv.Atoi(version[1])
	if err != nil {
		return server{}, err
	}
	return server{major: major, bin: bin, lib: lines[1], share: lines[2]}, nil
}

// choose picks the server that can open what is there (major, 0 for nothing), or else the newest with pgvector.
func choose(found []server, major int) (server, bool) {
	ready := slices.DeleteFunc(slices.Clone(found), func(s server) bool { return !s.hasVector() })
	if len(ready) == 0 {
		return server{}, false
	}
	if i := slices.IndexFunc(ready, func(s server) bool { return s.major == major }); i >= 0 {
		return ready[i], true
	}
	return ready[0], true
}

func output(ctx context.Context, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, args...).Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", program, err)
	}
	return string(out), nil
}

// majorOf reads which major version wrote the data folder; 0 when there is none.
func majorOf(data string) int {
	text, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if err != nil {
		return 0
	}
	major, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return major
}
