package web

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/andybalholm/brotli"
)

// maxShell bounds the files of a web client together, in bytes: they are held in memory.
const maxShell = 256 << 20

// Shell is a web client that is built: its page, also for the addresses that it makes up itself, and what the page loads.
type Shell struct {
	files  map[string]*shellFile // by path
	policy string                // of its pages
	read   time.Time
}

// ReadShell reads a build whole. Links in it are left out, and so is what is hidden.
func ReadShell(dir string) (*Shell, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("web client: %w", err)
	}
	defer func() { _ = root.Close() }()
	s, size, compiles := &Shell{files: map[string]*shellFile{}, read: time.Now()}, 0, false
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(d.Name(), ".") && d.IsDir():
			return fs.SkipDir
		case !d.Type().IsRegular() || strings.HasPrefix(d.Name(), "."):
			return nil
		}
		content, err := root.ReadFile(name)
		if size += len(content); size > maxShell {
			return fmt.Errorf("more than %d bytes", maxShell)
		}
		s.files["/"+name] = newShellFile(name, content)
		compiles = compiles || bytes.Contains(content, compiler) && path.Ext(name) == ".js"
		return err
	})
	index := s.files["/index.html"]
	if err == nil && index == nil {
		err = errors.New("it has no index.html: `make eliza-ui` fetches a build")
	}
	if err != nil {
		return nil, fmt.Errorf("web client in %s: %w", dir, err)
	}
	s.policy = policyOf(index.content, compiles)
	return s, nil
}

// shellFile is one file, as it is and compressed, which it is when that is first asked for.
type shellFile struct {
	name, typ, tag string
	content        []byte
	gzip, brotli   func() []byte
}

func newShellFile(name string, content []byte) *shellFile {
	sum := sha256.Sum256(content)
	f := &shellFile{name: name, content: content, typ: shellType(name), tag: hex.EncodeToString(sum[:12])}
	f.gzip = sync.OnceValue(func() []byte {
		return compressed(content, func(b *bytes.Buffer) writeCloser { return gzip.NewWriter(b) })
	})
	f.brotli = sync.OnceValue(func() []byte {
		return compressed(content, func(b *bytes.Buffer) writeCloser { return brotli.NewWriter(b) })
	})
	return f
}

type writeCloser interface {
	Write(p []byte) (int, error)
	Close() error
}

func compressed(content []byte, by func(*bytes.Buffer) writeCloser) []byte {
	var b bytes.Buffer
	w := by(&b)
	_, err := w.Write(content)
	if err = errors.Join(err, w.Close()); err != nil {
		return nil // memory takes everything
	}
	return b.Bytes()
}

// types are those of the files of web clients, whatever this machine thinks.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8", ".json": "application/json", ".map": "application/json", ".svg": "image/svg+xml",
	".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".gif": "image/gif", ".ico": "image/x-icon",
	".woff": "font/woff", ".woff2": "font/woff2", ".wasm": "application/wasm", ".txt": "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json",
}

func shellType(name string) string {
	return cmp.Or(types[strings.ToLower(path.Ext(name))], "application/octet-stream")
}

// shrinks tells what is worth compressing.
func (f *shellFile) shrinks() bool {
	return len(f.content) > 1<<10 && (strings.HasPrefix(f.typ, "text/") || strings.Contains(f.typ, "json") || strings.Contains(f.typ, "svg"))
}

var inlineScript = regexp.MustCompile(`(?s)<script((?:\s[^>]*)?)>(.*?)</script>`)

// compiler names a library that compiles code when a page starts: where that is forbidden, ElizaOS 1.7.2's client, which has it, shows
// nothing.
var compiler = []byte("fast-redact")

// policyOf lets a page run what it holds itself, by its hash, and what it loads from here; code that it compiles only where it has to.
func policyOf(page []byte, compiles bool) string {
	scripts := "script-src 'self'"
	if compiles {
		scripts += " 'unsafe-eval'"
	}
	for _, m := range inlineScript.FindAllSubmatch(page, -1) {
		if !bytes.Contains(m[1], []byte("src=")) {
			sum := sha256.Sum256(m[2])
			scripts += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		}
	}
	return "default-src 'self'; " + scripts + "; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob: https: http:; " +
		"font-src 'self' data:; connect-src 'self' ws: wss: https: http:; media-src 'self' blob: data:; object-src 'none'; frame-src 'self' data:; " +
		"base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
}

// Knows tells whether there is something at the address of a request.
func (s *Shell) Knows(r *http.Request) bool { return s.find(r) != nil }

// find is the file at a path, and the page for an address that only the page knows.
func (s *Shell) find(r *http.Request) *shellFile {
	if s == nil || r.Method != http.MethodGet || reserved.MatchString(r.URL.Path) {
		return nil
	}
	if f := s.files[r.URL.Path]; f != nil {
		return f
	}
	if strings.Contains(r.URL.Path, "/.") || path.Ext(r.URL.Path) != "" {
		return nil
	}
	return s.files["/index.html"]
}

// reserved are the server's own paths.
var reserved = regexp.MustCompile(`^/(?:api|dashboard|media|ws|socket\.io|metrics|healthz?)(?:/|$)`)

// hashed is a name that changes with the content.
var hashed = regexp.MustCompile(`^assets/.*-[A-Za-z0-9_-]{8,}\.\w+`)

// ServeHTTP answers with what it knows, in the best encoding that the client takes.
func (s *Shell) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.serve(w, r, s.find(r)) }

func (s *Shell) serve(w http.ResponseWriter, r *http.Request, f *shellFile) {
	h, content := w.Header(), f.content
	h.Set("Content-Type", f.typ)
	h.Set("Cache-Control", "no-cache")
	if hashed.MatchString(f.name) {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if strings.HasPrefix(f.typ, "text/html") {
		h.Set("Content-Security-Policy", s.policy)
	}
	tag := f.tag
	if f.shrinks() {
		h.Add("Vary", "Accept-Encoding")
		switch encodings := r.Header.Get("Accept-Encoding"); {
		case accepts(encodings, "br"):
			content, tag = f.brotli(), tag+"-br"
			h.Set("Content-Encoding", "br")
		case accepts(encodings, "gzip"):
			content, tag = f.gzip(), tag+"-gzip"
			h.Set("Content-Encoding", "gzip")
		}
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", s.read, bytes.NewReader(content))
}

// accepts reads an Accept-Encoding.
func accepts(header, encoding string) bool {
	for one := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(one), ";")
		if strings.EqualFold(strings.TrimSpace(name), encoding) {
			weight = strings.ReplaceAll(weight, " ", "")
			return strings.Trim(strings.TrimPrefix(weight, "q="), "0.") != "" || weight == ""
		}
	}
	return false
}
