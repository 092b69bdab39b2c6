package agents

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"annals/transport/publicnet"
)

func TestCharactersAreReadFromTheirFolderAndFromNowhereElse(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	dir := filepath.Join(base, "characters")
	writeFile(t, filepath.Join(dir, "one.json"), `{"name":"One"}`)
	writeFile(t, filepath.Join(dir, "sub", "two.json"), `{"name":"Two"}`)
	writeFile(t, filepath.Join(base, "secret.json"), `{}`)
	must(t, os.Symlink(filepath.Join(base, "secret.json"), filepath.Join(dir, "link.json")))
	must(t, os.Symlink("one.json", filepath.Join(dir, "inner.json")))
	for _, name := range []string{"one", "one.json", "./characters/one.json", "characters/one", "./one", "sub/two", "sub/../one", "inner"} {
		if _, err := readCharacter(dir, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", ".", "..", "../secret.json", "link", "sub", "/etc/passwd", "one\x00", "characters/../../secret", filepath.Join(base, "secret.json")} {
		if _, err := readCharacter(dir, name); err == nil {
			t.Errorf("%q was read", name)
		}
	}
}

func TestACharacterIsFetchedFromOutsideOnly(t *testing.T) {
	t.Parallel()
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/list":
			_, _ = w.Write([]byte(`[{"name":"First"},{"name":"Second"}]`))
		case "/html":
			_, _ = w.Write([]byte(`<html>`))
		case "/away":
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		case "/large":
			_, _ = w.Write([]byte(strings.Repeat("x", maxCharacter+1)))
		default:
			http.NotFound(w, r)
		}
	}))
	defer host.Close()
	anywhere := func(netip.Addr) error { return nil }
	if raw, err := fetchCharacter(t.Context(), host.URL+"/list", anywhere); err != nil || string(raw) != `{"name":"First"}` {
		t.Errorf("fetched %s, %v", raw, err)
	}
	for path, want := range map[string]string{"/html": "Invalid JSON", "/nope": "404", "/large": "larger", "/away": "reached"} {
		if _, err := fetchCharacter(t.Context(), host.URL+path, anywhere); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := fetchCharacter(t.Context(), host.URL+"/list", publicnet.Check); err == nil || !strings.Contains(err.Error(), publicnet.ErrInside.Error()) {
		t.Errorf("from this machine: %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(content), 0o600))
}
