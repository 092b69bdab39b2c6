package dashboard

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func serve(t *testing.T, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	New().ServeHTTP(w, r)
	return w
}

func TestEveryFileThatThePageNamesIsThere(t *testing.T) {
	named := regexp.MustCompile(`(?:src|href)="(/dashboard/[^"]+)"|from '\./([^']+)'`)
	for name, f := range New().files {
		for _, m := range named.FindAllStringSubmatch(string(f.body), -1) {
			path := m[1]
			if path == "" {
				path = "/dashboard/" + m[2]
			}
			if w := serve(t, path); w.Code != http.StatusOK || w.Header().Get("Content-Type") == "" {
				t.Errorf("%s names %s, which answers %d", name, path, w.Code)
			}
		}
	}
}

func TestNothingIsLoadedFromElsewhereOrMadeFromMarkup(t *testing.T) {
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function|javascript:`)
	elsewhere := regexp.MustCompile(`https?://[^\s'"]+`)
	for name, f := range New().files {
		if bad := forbidden.FindString(string(f.body)); bad != "" {
			t.Errorf("%s uses %s", name, bad)
		}
		for _, url := range elsewhere.FindAllString(string(f.body), -1) {
			if !strings.HasPrefix(url, "http://www.w3.org/") { // the namespace of drawings
				t.Errorf("%s names %s", name, url)
			}
		}
	}
}

func TestThePageMayRunItsOwnScriptsOnly(t *testing.T) {
	for _, path := range []string{"/", "/dashboard/"} {
		w := serve(t, path)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "<title>Annals</title>") {
			t.Errorf("%s: %d, no page", path, w.Code)
		}
		csp := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "script-src 'self';") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
	}
}

func TestABrowserThatHasTheFileIsToldSo(t *testing.T) {
	tag := serve(t, "/dashboard/app.js").Header().Get("ETag")
	if w := serve(t, "/dashboard/app.js", "If-None-Match", tag); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("answered %d with %d bytes", w.Code, w.Body.Len())
	}
}

func TestWhatIsNoPartOfThePageIsNotFound(t *testing.T) {
	for _, path := range []string{"/dashboard/nothing.js", "/dashboard/dashboard.go", "/dashboard/%2e%2e", "/dashboard/page"} {
		if w := serve(t, path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}
