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

var (
	// quoted is a value in quotes, which may have several lines: nothing but a comment follows it. In double quotes there are
	// escapes, unless a backslash is the last of it.
	quoted = regexp.MustCompile(`^[ \t]*(?:"((?s:\\.|[^"\\])*)"|"([^"\n]*)"|'([^']*)'|` + "`([^`]*)`" + `)[ \t]*(?:#[^\n]*)?(?:\n|$)`)
	// comment follows a value without quotes.
	comment = regexp.MustCompile(`\s#.*`)
)

// Parse reads what Format writes and what people do: comments, export, quotes of any kind, lines that end as on Windows. What is no
// variable is passed over; of a name that repeats the last counts.
func Parse(text string) map[string]string {
	out := map[string]string{}
	rest := strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
	for rest != "" {
		line, next, _ := strings.Cut(rest, "\n")
		name, value, ok := strings.Cut(line, "=")
		name = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(name), "export "))
		if !ok || !IsName(name) {
			rest = next
			continue
		}
		behind := rest[len(line)-len(value):]
		if in := quoted.FindStringSubmatch(behind); in != nil {
			out[name], rest = unescapes.Replace(in[1])+in[2]+in[3]+in[4], behind[len(in[0]):]
			continue
		}
		out[name], rest = strings.TrimSpace(comment.ReplaceAllString(value, "")), next
	}
	return out
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
