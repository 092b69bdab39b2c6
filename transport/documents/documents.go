// Package documents reads the files that characters know, takes the text out of documents that clients give, and splits texts into
// fragments by tokens.
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
	"unicode"
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

// Documents returns the texts that a character's knowledge names: a text that stands there itself, a file, or the files of a
// folder. What is no text is left out and logged. So is what is there and cannot be read now, such as a file without permission;
// unreadable are the paths of that.
func (f Folder) Documents(ctx context.Context, knowledge json.RawMessage) (found []Document, unreadable []string, err error) {
	var entries []json.RawMessage
	if json.Unmarshal(knowledge, &entries) != nil {
		return nil, nil, nil
	}
	root, err := os.OpenRoot(f.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		root, err = nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("folder of the characters: %w", err)
	}
	if root != nil {
		defer func() { _ = root.Close() }()
	}
	r := reader{Folder: f, root: root, seen: map[string]bool{}}
	for _, entry := range entries {
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
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
	return r.found, r.unreadable, nil
}

// reader collects what there is.
type reader struct {
	Folder
	root       *os.Root // nil where there is no folder
	seen       map[string]bool
	found      []Document
	unreadable []string
}

// within is a name as it is found in the folder, with or without "characters/" before it.
func within(name string) string {
	return strings.TrimPrefix(path.Clean(strings.ReplaceAll(name, `\`, "/")), "characters/")
}

// text is what stands in the character, unless it is the name of a file. A word that ends like one is the name of a file that is gone.
func (r *reader) text(s string) {
	if kinds[strings.ToLower(path.Ext(s))] != "" && !strings.ContainsAny(s, "\n") {
		there := false
		if r.root != nil {
			info, err := r.root.Stat(within(s))
			there = err == nil && info.Mode().IsRegular()
		}
		if there || !strings.ContainsFunc(s, unicode.IsSpace) {
			r.file(within(s))
			return
		}
	}
	r.add("text-"+events.HashText(s)[:16], "text/plain", s)
}

func (r *reader) file(name string) {
	kind := kinds[strings.ToLower(path.Ext(name))]
	switch {
	case kind == "":
		r.leftOut(name, errNoText)
		return
	case r.root == nil:
		r.leftOut(name, errNoFolder)
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
	if info, err := r.root.Stat(name); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: it is no plain file", errNoText)
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
		return nil, fmt.Errorf("%w: it is larger than %d bytes", errNoText, maxFile)
	case !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0:
		return nil, fmt.Errorf("%w: it is no UTF-8", errNoText)
	}
	return data, nil
}

func (r *reader) folder(name string) {
	if r.root == nil {
		r.leftOut(name, errNoFolder)
		return
	}
	var names []string
	err := fs.WalkDir(r.root.FS(), name, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			r.leftOut(file, err)
			return fs.SkipDir
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

// add takes a text, without the byte order marks that editors leave in files.
func (r *reader) add(name, kind, text string) {
	text = unmarked(text)
	if strings.TrimSpace(text) == "" || r.seen[name] || len(r.found) == maxFiles {
		return
	}
	if err := Fits(text); err != nil {
		r.leftOut(name, fmt.Errorf("%w: %w", errNoText, err))
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

// Why a file is left out although it is named.
var (
	errNoText   = errors.New("it is no text or Markdown file")
	errNoFolder = errors.New("the folder of the characters is not there")
)

// leftOut logs why something is left out, and keeps the paths of what may be read another time.
func (r *reader) leftOut(name string, why error) {
	if !errors.Is(why, errNoText) && !errors.Is(why, fs.ErrNotExist) {
		r.unreadable = append(r.unreadable, name)
	}
	r.Logger.Warn("a character's knowledge is left out", "path", name, "error", why)
}
