package postgres

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTheDebianMirrorIsTakenFromTheMachinesOwnSources(t *testing.T) {
	lines := `# deb http://old.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib # ours
deb-src http://source.example/debian bookworm main
deb http://mirror.example/debian-security bookworm-security main
deb https://tool.example/apt bookworm stable
`
	if got := mirrorsInLines(lines, "bookworm"); !slices.Equal(got, []string{"http://mirror.example/debian"}) {
		t.Errorf("one-line format: %v", got)
	}
	stanzas := `Types: deb deb-src
# a comment within
URIs: http://one.example/debian
 http://two.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /k.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main
`
	want := []string{"http://one.example/debian", "http://two.example/debian"}
	if got := mirrorsInStanzas(stanzas, "bookworm"); !slices.Equal(got, want) {
		t.Errorf("deb822 format: %v", got)
	}
}

func TestTheServerThatCanOpenTheDataIsChosenBeforeTheNewest(t *testing.T) {
	vector := server{major: 17, lib: t.TempDir(), share: t.TempDir()}
	if err := os.MkdirAll(filepath.Join(vector.share, "extension"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{filepath.Join(vector.lib, "vector.so"), filepath.Join(vector.share, "extension", "vector.control")} {
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	older := vector
	older.major = 15
	found := []server{{major: 18, lib: t.TempDir(), share: t.TempDir()}, vector, older}
	for major, want := range map[int]int{0: 17, 15: 15, 18: 17, 13: 17} {
		if got, ok := choose(found, major); !ok || got.major != want {
			t.Errorf("data of %d: server %d", major, got.major)
		}
	}
	if _, ok := choose(found[:1], 0); ok {
		t.Error("a server without pgvector was chosen")
	}
}

func TestADownloadWithAnotherChecksumIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), vectorSource)
	if err := os.WriteFile(file, []byte("something else"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := checkSum(file, vectorSHA256); err == nil || !strings.Contains(err.Error(), vectorSource) {
		t.Fatalf("checksum: %v", err)
	}
}

func TestWhoMayNotInstallIsToldTheCommand(t *testing.T) {
	err := machine{}.apt(t.Context(), "install", "postgresql-15")
	if err == nil || !strings.Contains(err.Error(), "sudo apt-get") || !strings.Contains(err.Error(), "postgresql-15") {
		t.Fatalf("error: %v", err)
	}
}

func TestACopyOfTheServerWorksFromItsPlaceAndTakesTheExtension(t *testing.T) {
	ctx := context.Background()
	original, ok := choose(servers(ctx), 0)
	if !ok || !strings.HasPrefix(original.bin, "/usr/lib/postgresql/") {
		t.Skip("only Debian's server is copied")
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	copied, err := copyServer(ctx, original)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{copied.bin, copied.lib, copied.share} {
		if !strings.HasPrefix(dir, privateCopies()) {
			t.Errorf("the copy uses %s", dir)
		}
	}
	if copied.major != original.major || !copied.hasVector() {
		t.Errorf("copy: %+v", copied)
	}
	if found := servers(ctx); !slices.Contains(found, copied) {
		t.Errorf("the copy is not found among %+v", found)
	}
}
