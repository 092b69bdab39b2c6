package postgres

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Problem is something on this machine that keeps the cluster from running, or will change it, with what to do about it.
type Problem struct{ What, Remedy string }

// Check reports what is missing on this machine for a cluster in dir, changing nothing.
func Check(ctx context.Context, dir string) []Problem {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return []Problem{{What: err.Error(), Remedy: "name the folder by its absolute path"}}
	}
	if problems := checkServer(ctx, majorOf(filepath.Join(dir, "data"))); len(problems) > 0 {
		return problems // its installation brings the account along that the rest is checked for
	}
	return checkPlace(dir)
}

func checkServer(ctx context.Context, major int) []Problem {
	found := servers(ctx)
	s, ready := choose(found, major)
	switch {
	case !ready && len(found) == 0:
		return []Problem{{"PostgreSQL is not installed", remedy(ctx, "PostgreSQL and pgvector")}}
	case !ready:
		return []Problem{{fmt.Sprintf("PostgreSQL %d in %s has no pgvector", found[0].major, found[0].bin), remedy(ctx, "pgvector")}}
	case major != 0 && s.major != major:
		return []Problem{{
			fmt.Sprintf("the cluster was made by PostgreSQL %d and this machine has %d", major, s.major),
			fmt.Sprintf("install postgresql-%d and its pgvector; else the cluster is moved aside at the next start and the read models are built again", major),
		}}
	}
	return nil
}

// remedy says whether a start would install what is missing.
func remedy(ctx context.Context, missing string) string {
	if _, err := installer(); err != nil {
		return err.Error()
	}
	if has("brew") || sudo(ctx).ok || missing == "pgvector" && has("gcc") {
		return "annals serve installs " + missing + " by itself, given a network"
	}
	return "install " + missing + " as root (Debian 13, Ubuntu 24.04 and later: apt-get install postgresql and postgresql-NN-pgvector; Debian 12: apt-get install postgresql gcc libc6-dev, annals serve then builds pgvector), or set POSTGRES_URL"
}

func checkPlace(dir string) []Problem {
	var problems []Problem
	a, err := serverAccount(filepath.Join(dir, "data"))
	if err != nil {
		return []Problem{{"no account to run the server", err.Error()}}
	}
	if _, err := a.homeFor(dir); err != nil {
		problems = append(problems, Problem{"the server cannot reach its folder", err.Error()})
	}
	above := dir
	for !exists(above) {
		above = filepath.Dir(above)
	}
	const writeAndPass = 2 | 1
	if err := syscall.Access(above, writeAndPass); err != nil {
		problems = append(problems, Problem{fmt.Sprintf("%s cannot be written to: %v", above, err), "chown or chmod it, or choose another DATA_DIR"})
	}
	return problems
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
