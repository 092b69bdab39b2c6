package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	vectorVersion = "0.8.0"
	vectorSource  = "pgvector_" + vectorVersion + ".orig.tar.gz"
	vectorSHA256  = "867a2c328d4928a5a9d6f052cd3bc78c7d60228a9b914ad32aa3db88e9de27b0"
	vectorRelease = "trixie" // the Debian release whose source package it is
)

// compileVector builds pgvector for a server of Debian's, with the C compiler there is, and installs it: into that server as root, else into a copy of it.
func compileVector(ctx context.Context, m machine, s server) error {
	m.say("installing pgvector %s for PostgreSQL %d (compiling Debian's source package; about 20 s)", vectorVersion, s.major)
	work, err := os.MkdirTemp("", "annals-pgvector")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	source, headers, err := fetchSources(ctx, work, s.major)
	if err != nil {
		return fmt.Errorf("%w\nto install it by hand: build pgvector (its README says how) against %s/pg_config, or set POSTGRES_URL", err, s.bin)
	}
	if err := buildVector(ctx, source, headers); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		if s, err = copyServer(ctx, s); err != nil {
			return err
		}
	}
	return installVector(source, s)
}

// fetchSources downloads and unpacks pgvector and the server's headers, with apt checking Debian's signatures.
func fetchSources(ctx context.Context, work string, major int) (source, headers string, err error) {
	if err := os.Chmod(work, 0o755); err != nil { // apt downloads as a user of its own
		return "", "", err
	}
	p, err := newPrivateApt(ctx, work)
	if err != nil {
		return "", "", err
	}
	devel := fmt.Sprintf("postgresql-server-dev-%d", major)
	if err := errors.Join(p.get(ctx, "source", "--download-only", "pgvector="+vectorVersion+"-1"), p.get(ctx, "download", devel)); err != nil {
		return "", "", err
	}
	if err := checkSum(filepath.Join(p.downloads, vectorSource), vectorSHA256); err != nil {
		return "", "", err
	}
	packages, err := filepath.Glob(filepath.Join(p.downloads, devel+"_*.deb"))
	if err != nil || len(packages) != 1 {
		return "", "", fmt.Errorf("%s was not downloaded (%d files)", devel, len(packages))
	}
	err = errors.Join(
		run(ctx, work, "tar", "-xzf", filepath.Join(p.downloads, vectorSource)),
		run(ctx, work, "dpkg-deb", "-x", packages[0], filepath.Join(work, "devel")),
	)
	return filepath.Join(work, "pgvector-"+vectorVersion), filepath.Join(work, "devel/usr/include/postgresql", fmt.Sprint(major), "server"), err
}

func checkSum(path, want string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != want {
		return fmt.Errorf("%s has SHA-256 %x, expected %s: not used", filepath.Base(path), sum, want)
	}
	return nil
}

// buildVector compiles the module with the flags of pgvector's Makefile and of Debian's server, for any machine of this
// architecture.
func buildVector(ctx context.Context, source, headers string) error {
	files, err := filepath.Glob(filepath.Join(source, "src", "*.c"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no C files in %s/src", source)
	}
	args := strings.Fields("gcc -shared -fPIC -O2 -ftree-vectorize -fassociative-math -fno-signed-zeros -fno-trapping-math -fno-strict-aliasing -fwrapv -fexcess-precision=standard -D_GNU_SOURCE")
	args = append(args, "-I", headers, "-o", filepath.Join(source, "vector.so"))
	return run(ctx, source, append(append(args, files...), "-lm")...)
}

// installVector puts the built extension into the server; the control file, by which it is found, comes last.
func installVector(source string, s server) error {
	extension := filepath.Join(s.share, "extension")
	control := "vector.control"
	return errors.Join(
		install(filepath.Join(source, "vector.so"), filepath.Join(s.lib, "vector.so")),
		install(filepath.Join(source, "sql/vector.sql"), filepath.Join(extension, "vector--"+vectorVersion+".sql")),
		install(filepath.Join(source, control), filepath.Join(extension, control)),
	)
}

// install writes a file that appears whole or not at all.
func install(from, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	unfinished := to + ".annals"
	if err := os.WriteFile(unfinished, content, 0o644); err != nil {
		return err
	}
	return os.Rename(unfinished, to)
}

// copyServer copies an installation, which works from any place, to where this user may add to it.
func copyServer(ctx context.Context, s server) (server, error) {
	version, err := output(ctx, s.program("pg_config"), "--version")
	if err != nil {
		return server{}, err
	}
	root := filepath.Join(privateCopies(), "postgresql-"+strings.Fields(version)[1])
	unfinished := root + ".new"
	if err := errors.Join(os.RemoveAll(unfinished), os.RemoveAll(root)); err != nil {
		return server{}, err
	}
	const top = "/usr" // below which Debian's folders keep their distance to each other
	for _, dir := range []string{s.bin, s.lib, s.share} {
		below, err := filepath.Rel(top, dir)
		if err != nil || strings.HasPrefix(below, "..") {
			return server{}, fmt.Errorf("cannot copy the server in %s: it is not Debian's; install pgvector into it, or set POSTGRES_URL", dir)
		}
		if err := os.CopyFS(filepath.Join(unfinished, below), os.DirFS(dir)); err != nil {
			return server{}, fmt.Errorf("copy the server: %w", err)
		}
	}
	if err := os.Rename(unfinished, root); err != nil {
		return server{}, err
	}
	return inspect(ctx, filepath.Join(root, strings.TrimPrefix(s.bin, top)))
}
