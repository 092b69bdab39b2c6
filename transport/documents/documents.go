// Package documents reads the text and Markdown files that characters know, and splits texts into fragments by tokens.
package documents

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"annals/events"
)

// Bounds of what is read for one character.
const (
	maxFile  = 2 << 20
	maxFiles = 1000
)

// kinds are the files that are read, by how their names end.
var kinds = map[string]string{".md": "text/markdown", ".markdown": "text/markdown", ".mdx": "text/markdown", ".txt": "text/plain"}

// Document is one text.
type Document struct {
	Path        string // within the folder, or made from the text where it stands in the character itself
	ContentType string
	Text        string
	Fragments   []string
}

// Folder is where the files lie. Nothing outside of it is read, whatever a name or a link in it says.
type Folder struct {
	Dir    string
	Logger *slog.Logger
}

// item is one entry of a character's knowledge, where it is no text.
type item struct {
	Path      string `json:"path"`
	Directory string `json:"directory"`
}

// Documents are the texts that a character's knowledge names: a text that stands there itself, a file, or the files of a
// folder. What cannot be read is left out and logged.
func (f Folder) Documents(ctx context.Context, knowledge json.RawMessage) ([]Document, error) {
	var entries []json.RawMessage
	if json.Unmarshal(knowledge, &entries) != nil {
		return nil, nil
	}
	root, err := os.OpenRoot(f.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		root, err = nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("folder of the characters: %w", err)
	}
	if root != nil {
		defer func() { _ = root.Close() }()
	}
	r := reader{Folder: f, root: root, seen: map[string]bool{}}
	for _, entry := range entries {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var text string
		var named item
		switch {
		case json.Unmarshal(entry, &text) == nil:
			r.text(text)
		case json.Unmarshal(entry, &named) == nil && named.Path != "":
			r.file(within(named.Path))
		case named.Directory != "":
			r.folder(within(named.Directory))
		}
	}
	return r.found, nil
}

// reader collects what there is.
type reader struct {
	Folder
	root  *os.Root // nil where there is no folder
	seen  map[string]bool
	found []Document
}

// within is a name as it is found in the folder, with or without "characters/" before it.
func within(name string) string {
	return strings.TrimPrefix(path.Clean(strings.ReplaceAll(name, `\`, "/")), "characters/")
}

// text is what stands in the character, unless it is the name of a file.
func (r *reader) text(s string) {
	if kinds[path.Ext(s)] != "" && !strings.ContainsAny(s, "\n") && r.root != nil {
		if info, err := r.root.Stat(within(s)); err == nil && info.Mode().IsRegular() {
			r.file(within(s))
			return
		}
	}
	r.add("text-"+events.HashText(s)[:16], "text/plain", s)
}

func (r *reader) file(name string) {
	kind := kinds[strings.ToLower(path.Ext(name))]
	if kind == "" || r.root == nil {
		r.leftOut(name, errors.New("it is no text or Markdown file of the folder"))
		return
	}
	data, err := r.read(name)
	if err != nil {
		r.leftOut(name, err)
		return
	}
	r.add(name, kind, string(data))
}

func (r *reader) read(name string) ([]byte, error) {
	// Only a plain file is opened: a pipe would keep us waiting.
	if info, err := r.root.Stat(name); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, errors.New("it is no plain file"))
	}
	f, err := r.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxFile:
		return nil, fmt.Errorf("it is larger than %d bytes", maxFile)
	case !utf8.Valid(data) || strings.IndexByte(string(data), 0) >= 0:
		return nil, errors.New("it is no UTF-8 text")
	}
	return bytes.TrimPrefix(data, []byte("\ufeff")), nil
}

func (r *reader) folder(name string) {
	if r.root == nil {
		r.leftOut(name, fs.ErrNotExist)
		return
	}
	var names []string
	err := fs.WalkDir(r.root.FS(), name, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() && kinds[strings.ToLower(path.Ext(file))] != "" {
			names = append(names, file)
		}
		if len(names) > maxFiles {
			return fmt.Errorf("it holds more than %d files", maxFiles)
		}
		return nil
	})
	if err != nil {
		r.leftOut(name, err)
	}
	slices.Sort(names)
	for _, file := range names[:min(len(names), maxFiles)] {
		r.file(file)
	}
}

func (r *reader) add(name, kind, text string) {
	if strings.TrimSpace(text) == "" || r.seen[name] || len(r.found) == maxFiles {
		return
	}
	r.seen[name] = true
	fragments, err := Split(text)
	if err != nil {
		r.leftOut(name, err)
		return
	}
	r.found = append(r.found, Document{Path: name, ContentType: kind, Text: text, Fragments: fragments})
}

func (r *reader) leftOut(name string, why error) {
	r.Logger.Warn("a character's knowledge is left out", "path", name, "error", why)
}
