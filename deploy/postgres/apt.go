package postgres

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const debianKeys = "/usr/share/keyrings/debian-archive-keyring.gpg"

// privateApt downloads packages without touching the machine's own lists and sources.
type privateApt struct {
	options   []string
	downloads string
}

// newPrivateApt reads the lists of this machine's Debian release and the sources of the one that has pgvector, from the
// mirror that the machine itself is set up to use.
func newPrivateApt(ctx context.Context, work string) (privateApt, error) {
	release, err := codename()
	if err != nil {
		return privateApt{}, err
	}
	p := privateApt{downloads: filepath.Join(work, "downloads")}
	lists, cache, list := filepath.Join(work, "lists"), filepath.Join(work, "cache"), filepath.Join(work, "sources.list")
	p.options = []string{
		"-o", "Dir::Etc::SourceList=" + list, "-o", "Dir::Etc::SourceParts=-",
		"-o", "Dir::State::Lists=" + lists, "-o", "Dir::Cache=" + cache,
	}
	if err := errors.Join(os.MkdirAll(p.downloads, 0o755), os.MkdirAll(filepath.Join(lists, "partial"), 0o755),
		os.MkdirAll(filepath.Join(cache, "archives/partial"), 0o755)); err != nil {
		return privateApt{}, err
	}
	mirrors, err := debianMirrors(release)
	if err != nil {
		return privateApt{}, err
	}
	var failed error
	for _, mirror := range mirrors {
		text := fmt.Sprintf("deb [signed-by=%[1]s target=Packages] %[2]s %[3]s main\ndeb-src [signed-by=%[1]s] %[2]s %[4]s main\n",
			debianKeys, mirror, release, vectorRelease)
		if err := os.WriteFile(list, []byte(text), 0o644); err != nil {
			return privateApt{}, err
		}
		err := p.get(ctx, "update", "--error-on=any")
		if err == nil {
			return p, nil
		}
		failed = errors.Join(failed, err)
	}
	return privateApt{}, fmt.Errorf("read Debian's package lists: %w", failed)
}

func (p privateApt) get(ctx context.Context, args ...string) error {
	return run(ctx, p.downloads, append(append([]string{"apt-get", "--quiet"}, p.options...), args...)...)
}

// codename is the name of this machine's Debian release.
func codename() (string, error) {
	text, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", err
	}
	about := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			about[key] = strings.Trim(value, `"'`)
		}
	}
	if about["ID"] != "debian" || about["VERSION_CODENAME"] == "" {
		return "", fmt.Errorf("pgvector is not packaged for %s and its source package is only known for Debian: install pgvector by hand, or set POSTGRES_URL", about["PRETTY_NAME"])
	}
	return about["VERSION_CODENAME"], nil
}

// debianMirrors reads the addresses of the release's main archive from the machine's own sources, in both formats of apt.
func debianMirrors(release string) ([]string, error) {
	files, _ := filepath.Glob("/etc/apt/sources.list.d/*")
	files = append(files, "/etc/apt/sources.list")
	var mirrors []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		switch filepath.Ext(file) {
		case ".sources":
			mirrors = append(mirrors, mirrorsInStanzas(string(text), release)...)
		case ".list":
			mirrors = append(mirrors, mirrorsInLines(string(text), release)...)
		}
	}
	slices.Sort(mirrors)
	mirrors = slices.Compact(mirrors)
	if len(mirrors) == 0 {
		return nil, fmt.Errorf("no source of Debian %s main in /etc/apt: add one", release)
	}
	return mirrors, nil
}

// mirrorsInLines reads "deb [options] uri suite component…".
func mirrorsInLines(text, release string) []string {
	var mirrors []string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		rest = strings.TrimSpace(rest)
		if strings.HasPrefix(rest, "[") {
			_, rest, _ = strings.Cut(rest, "]")
		}
		fields := strings.Fields(rest)
		if kind == "deb" && len(fields) > 2 && fields[1] == release && slices.Contains(fields[2:], "main") {
			mirrors = append(mirrors, fields[0])
		}
	}
	return mirrors
}

// mirrorsInStanzas reads the deb822 format: fields of several words, stanzas parted by an empty line.
func mirrorsInStanzas(text, release string) []string {
	var mirrors []string
	stanza := map[string][]string{}
	end := func() {
		if slices.Contains(stanza["types"], "deb") && slices.Contains(stanza["suites"], release) &&
			slices.Contains(stanza["components"], "main") && !slices.Contains(stanza["enabled"], "no") {
			mirrors = append(mirrors, stanza["uris"]...)
		}
		clear(stanza)
	}
	var last string
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.TrimSpace(line) == "":
			end()
		case line[0] == ' ' || line[0] == '\t':
			stanza[last] = append(stanza[last], strings.Fields(line)...)
		default:
			key, value, _ := strings.Cut(line, ":")
			last = strings.ToLower(strings.TrimSpace(key))
			stanza[last] = strings.Fields(value)
		}
	}
	end()
	return mirrors
}
