package httpapi_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"

	"annals/transport/dashboard"
	"annals/transport/httpapi"
	"annals/transport/httpapi/web"
	"annals/transport/problem"
)

const (
	inline    = "\n  window.global = 1\n"
	shellPage = "<!doctype html><script type=\"module\">" + inline + "</script><script type=\"module\" src=\"/assets/index-CkUr-lz0.js\"></script>"
)

// shellDir is a build like the one of ElizaOS, with what must not be served around it.
func shellDir(t *testing.T) string {
	t.Helper()
	base := t.TempDir()
	dir := filepath.Join(base, "client")
	writeFile(t, filepath.Join(dir, "index.html"), shellPage)
	writeFile(t, filepath.Join(dir, "assets", "index-CkUr-lz0.js"), strings.Repeat("console.log('hello');\n", 200))
	writeFile(t, filepath.Join(dir, "favicon.ico"), "icon")
	writeFile(t, filepath.Join(dir, ".env"), "SECRET=1")
	writeFile(t, filepath.Join(dir, ".git", "config"), "secret")
	writeFile(t, filepath.Join(base, "secret.txt"), "secret")
	must(t, os.Symlink(filepath.Join(base, "secret.txt"), filepath.Join(dir, "link.txt")))
	return dir
}

func shellOf(t *testing.T) *web.Shell {
	t.Helper()
	shell, err := web.ReadShell(shellDir(t))
	must(t, err)
	return shell
}

func TestAWebClientIsServedWithItsPageAtEveryAddress(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *httpapi.Options) { o.Web.Shell, o.Frame.Key = shellOf(t), "secret" })
	sum := sha256.Sum256([]byte(inline))
	for _, path := range []string{"/", "/index.html", "/logs", "/chat/" + ann, "/group/" + ann + "?serverId=0", "/settings/"} {
		got := s.Ask("GET", path, nil).Is(200)
		policy := got.Header.Get("Content-Security-Policy")
		if string(got.Body) != shellPage || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") || got.Header.Get("Cache-Control") != "no-cache" ||
			!strings.Contains(policy, "script-src 'self' 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"';") || strings.Contains(policy, "unsafe-eval") {
			t.Errorf("%s: %v %s", path, got.Header, got.Body)
		}
		s.Ask("GET", path, nil, "If-None-Match", got.Header.Get("ETag")).Is(304)
	}
	asset := s.Ask("GET", "/assets/index-CkUr-lz0.js", nil).Is(200)
	if h := asset.Header; h.Get("Cache-Control") != "public, max-age=31536000, immutable" || !strings.HasPrefix(h.Get("Content-Type"), "text/javascript") {
		t.Errorf("%v", h)
	}
	s.Ask("HEAD", "/favicon.ico", nil).Is(200)
	for path, status := range map[string]int{
		"/assets/none.js": 401, "/.env": 401, "/.git/config": 401, "/link.txt": 401, "/..%2Fsecret.txt": 401, "/assets/../../secret.txt": 401,
		"/api/agents": 401, "/api/none": 401, "/media/none": 401, "/ws": 401,
	} {
		if got := s.Ask("GET", path, nil); got.Status != status || strings.Contains(string(got.Body), "secret") {
			t.Errorf("%s: %d %s", path, got.Status, got.Body)
		}
		s.Ask("GET", "/api/none", nil, "X-API-KEY", "secret").Refused(404, problem.CodeNotFound)
	}
	s.Ask("POST", "/", nil).Refused(401, problem.CodeAuthRequired)
}

func TestOnlyAWebClientThatCompilesCodeMayDoSo(t *testing.T) {
	t.Parallel()
	dir := shellDir(t)
	writeFile(t, filepath.Join(dir, "assets", "main-CqTmsniN.js"), "throw Error(`fast-redact – Invalid path (${p})`)")
	shell, err := web.ReadShell(dir)
	must(t, err)
	s := serve(t, func(o *httpapi.Options) { o.Web.Shell = shell })
	if policy := s.Ask("GET", "/", nil).Is(200).Header.Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self' 'unsafe-eval' 'sha256-") {
		t.Errorf("its policy is %s", policy)
	}
}

func TestAWebClientIsCompressedAsTheBrowserLikes(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *httpapi.Options) { o.Web.Shell = shellOf(t) })
	const file = "/assets/index-CkUr-lz0.js"
	plain := s.Ask("GET", file, nil, "Accept-Encoding", "identity").Is(200)
	for accept, encoding := range map[string]string{"gzip, deflate, br, zstd": "br", "gzip": "gzip", "br;q=0, gzip;q=0.5": "gzip", "deflate": "", "br;q=0.0": ""} {
		got := s.Ask("GET", file, nil, "Accept-Encoding", accept).Is(200)
		var body io.Reader = bytes.NewReader(got.Body)
		switch encoding {
		case "br":
			body = brotli.NewReader(body)
		case "gzip":
			unzip, err := gzip.NewReader(body)
			must(t, err)
			body = unzip
		}
		raw, err := io.ReadAll(body)
		must(t, err)
		if got.Header.Get("Content-Encoding") != encoding || !bytes.Equal(raw, plain.Body) || !strings.Contains(strings.Join(got.Header["Vary"], ","), "Accept-Encoding") {
			t.Errorf("%s: %v", accept, got.Header)
		}
		if encoding != "" && (len(got.Body) >= len(plain.Body) || got.Header.Get("ETag") == plain.Header.Get("ETag")) {
			t.Errorf("%s: %d bytes of %d, tag %s", accept, len(got.Body), len(plain.Body), got.Header.Get("ETag"))
		}
	}
	if icon := s.Ask("GET", "/favicon.ico", nil, "Accept-Encoding", "br").Is(200); icon.Header.Get("Content-Encoding") != "" {
		t.Error("an icon is compressed")
	}
}

func TestAFolderWithoutAPageIsNoWebClient(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none")} {
		if _, err := web.ReadShell(dir); err == nil || !strings.Contains(err.Error(), "web client") {
			t.Errorf("%v", err)
		}
	}
}

func TestWhatIsNoPartOfTheDashboardIsRefusedInTheEnvelope(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *httpapi.Options) { o.Web.Dashboard = dashboard.New() })
	for _, file := range []string{"nothing.js", "dashboard.go", "%2e%2e"} {
		s.Ask("GET", "/dashboard/"+file, nil).Refused(404, problem.CodeNotFound)
	}
	s.Ask("GET", "/dashboard/app.js", nil).Is(200)
}
