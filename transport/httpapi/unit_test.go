package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"annals/events"
	"annals/queries"
	"annals/transport/problem"
	"annals/transport/publicnet"
)

func unmarshalPlain(data []byte, v any) error { return json.Unmarshal(data, v) }

func TestAStoreThatIsFullOrAwayIsNoErrorOfOurs(t *testing.T) {
	t.Parallel()
	for _, err := range []error{events.ErrFull, events.ErrUnavailable, queries.ErrUnavailable} {
		p, cause := problem.Of(fmt.Errorf("append: %w", err))
		if p.Status != http.StatusServiceUnavailable || p.Code != problem.CodeDatabase || cause == nil {
			t.Errorf("%v: status %d, code %s, cause %v", err, p.Status, p.Code, cause)
		}
	}
}

func TestSecretsAreEncryptedAsElizaOSDoes(t *testing.T) {
	t.Parallel()
	v := newVault("secretsalt")
	var iv [16]byte
	for i := range iv {
		iv[i] = 7
	}
	if got := v.encrypt("plain", iv); got != "07070707070707070707070707070707:1bda8757dc3e905ba5c8fceff397bbca" {
		t.Errorf("encrypted: %s", got)
	}
	for text, want := range map[string]bool{
		"plain": false, "a:b": false, strings.Repeat("07", 16) + ":x": true, strings.Repeat("07", 16) + ":x:y": false,
		strings.Repeat("07", 16) + "zz:x": true, strings.Repeat("07", 15) + "zz:x": false, strings.Repeat("07", 17) + ":x": false,
	} {
		if isEncrypted(text) != want {
			t.Errorf("%q is encrypted: %v", text, !want)
		}
	}
	sealed, err := v.seal(json.RawMessage(`{"name":"x","secrets":{"TOP":"t"},"settings":{"secrets":{"A":"a","E":"","N":5,"B":true,"X":null}}}`), new(call).nonce)
	must(t, err)
	var c struct {
		Secrets  map[string]any
		Settings struct{ Secrets map[string]any }
	}
	must(t, json.Unmarshal(sealed, &c))
	in := c.Settings.Secrets
	if !isEncrypted(in["A"].(string)) || !isEncrypted(c.Secrets["TOP"].(string)) || in["E"] != "" || in["N"] != 5.0 || in["B"] != true {
		t.Errorf("sealed: %s", sealed)
	}
	if again, err := v.seal(sealed, new(call).nonce); err != nil || !strings.Contains(string(again), in["A"].(string)) {
		t.Errorf("sealed twice: %s %v", again, err)
	}
}

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

func TestTheLimitIsPerAddressAndEndsWithItsWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(time.Now, everything)
		for range everything.most {
			l.take("192.0.2.1:1000")
		}
		if left, _ := l.take("192.0.2.1:2000"); left >= 0 {
			t.Errorf("%d left beyond the limit", left)
		}
		if left, _ := l.take("192.0.2.2:1000"); left != everything.most-1 {
			t.Errorf("another address has %d left", left)
		}
		l.take("[2001:db8::1]:1")
		if left, _ := l.take("[2001:db8::2]:1"); left != everything.most-2 {
			t.Errorf("an address of the same network has %d left", left)
		}
		time.Sleep(everything.window)
		if left, reset := l.take("192.0.2.1:1000"); left != everything.most-1 || reset != everything.window {
			t.Errorf("%d left for %s in a new window", left, reset)
		}
	})
}
