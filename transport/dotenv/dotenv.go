// Package dotenv reads and writes files of environment variables: a line each, NAME=value.
package dotenv

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// names are those of variables; ElizaOS has dots in some, such as CHARACTER.ELIZA.KEY.
var names = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]{0,255}$`)

// IsName tells whether a variable may be called that.
func IsName(s string) bool { return names.MatchString(s) }

// escapes are what a value in double quotes has instead of itself.
var (
	escapes   = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`)
	unescapes = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n", `\r`, "\r")
)

// Format writes variables sorted by name, with an empty line between them, as ElizaOS does.
func Format(variables map[string]string) string {
	var b strings.Builder
	for i, name := range slices.Sorted(maps.Keys(variables)) {
		if i > 0 {
			b.WriteByte('\n')
		}
		value := variables[name]
		if value != strings.TrimSpace(value) || strings.ContainsAny(value, "\"'`#\\\n\r") {
			value = `"` + escapes.Replace(value) + `"`
		}
		fmt.Fprintf(&b, "%s=%s\n", name, value)
	}
	return b.String()
}

// Parse reads what Format writes and what people do: comments, export, quotes of either kind. What is no variable is passed
// over; of a name that repeats the last counts.
func Parse(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "export ")
		name, value, ok := strings.Cut(line, "=")
		if name = strings.TrimSpace(name); ok && IsName(name) {
			out[name] = unquoted(strings.TrimSpace(value))
		}
	}
	return out
}

func unquoted(value string) string {
	if n := len(value); n >= 2 && value[0] == value[n-1] {
		switch value[0] {
		case '"':
			return unescapes.Replace(value[1 : n-1])
		case '\'', '`':
			return value[1 : n-1]
		}
	}
	if before, _, ok := strings.Cut(value, " #"); ok {
		return strings.TrimSpace(before)
	}
	return value
}

// Ready is a file that is about to take the place of another.
type Ready struct{ from, to string }

// Prepare writes the variables beside the file, readable by its owner alone and durably.
func Prepare(file string, variables map[string]string) (*Ready, error) {
	f, err := os.CreateTemp(filepath.Dir(file), ".env-*") // mode 0600
	if err != nil {
		return nil, err
	}
	r := &Ready{f.Name(), file}
	_, err = f.WriteString(Format(variables))
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		r.Discard()
		return nil, err
	}
	return r, nil
}

// Commit puts it in place, at once and as a whole.
func (r *Ready) Commit() error {
	if err := os.Rename(r.from, r.to); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(r.to))
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	return dir.Sync()
}

// Discard removes it, unless it was put in place.
func (r *Ready) Discard() { _ = os.Remove(r.from) }
