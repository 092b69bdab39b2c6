package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var vectorPackage = regexp.MustCompile(`(?m)^postgresql-(\d+)-pgvector `)

// installDebian installs the packages of Debian 13, Ubuntu 24.04 and later. Debian 12 has a server and no pgvector, which
// is then compiled from the source package of its successor.
func installDebian(ctx context.Context, m machine, found []server) error {
	if m.sudo.ok {
		m.say("reading the package lists (apt-get update)")
		if err := m.apt(ctx, "update"); err != nil {
			m.say("apt-get update failed, going on with the lists there are: %v", err)
		}
	}
	if major := packagedMajor(ctx, found); major != 0 {
		packages := []string{fmt.Sprintf("postgresql-%d", major), fmt.Sprintf("postgresql-%d-pgvector", major)}
		m.say("installing %s", strings.Join(packages, " and "))
		return m.installServer(ctx, packages...)
	}
	var missing []string
	if len(found) == 0 {
		missing = append(missing, "postgresql")
	}
	if !has("gcc") || !isFile("/usr/include/stdio.h") {
		missing = append(missing, "gcc", "libc6-dev")
	}
	if len(missing) > 0 {
		m.say("installing %s", strings.Join(missing, ", "))
		if err := m.installServer(ctx, missing...); err != nil {
			return err
		}
		found = servers(ctx)
	}
	if len(found) == 0 {
		return errors.New("package postgresql is installed, yet there is no server in /usr/lib/postgresql")
	}
	return compileVector(ctx, m, found[0])
}

// packagedMajor is the major version to install with its packaged pgvector: that of a server already there, or else the
// newest; 0 when nothing is packaged.
func packagedMajor(ctx context.Context, found []server) int {
	out, err := output(ctx, "apt-cache", "search", "--names-only", `^postgresql-[0-9]+-pgvector$`)
	if err != nil {
		return 0
	}
	var majors []int
	for _, match := range vectorPackage.FindAllStringSubmatch(out, -1) {
		if major, err := strconv.Atoi(match[1]); err == nil {
			majors = append(majors, major)
		}
	}
	for _, s := range found {
		if slices.Contains(majors, s.major) {
			return s.major
		}
	}
	if len(majors) == 0 {
		return 0
	}
	return slices.Max(majors)
}

// noMainCluster tells Debian's packages not to start a server of their own on TCP port 5432.
const noMainCluster = "/etc/postgresql-common/createcluster.d/annals.conf"

func (m machine) installServer(ctx context.Context, packages ...string) error {
	if !m.sudo.ok {
		return m.aptInstall(ctx, packages...)
	}
	setting, err := os.CreateTemp("", "annals-createcluster")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(setting.Name()) }()
	_, err = setting.WriteString("create_main_cluster = false\n")
	if err := errors.Join(err, setting.Close()); err != nil {
		return err
	}
	if err := m.asRoot(ctx, "install", "-D", "-m", "644", setting.Name(), noMainCluster); err != nil {
		return err
	}
	err = m.aptInstall(ctx, packages...)
	return errors.Join(err, m.asRoot(context.WithoutCancel(ctx), "rm", "-f", noMainCluster))
}

func (m machine) aptInstall(ctx context.Context, packages ...string) error {
	return m.apt(ctx, append([]string{"install", "--yes", "--no-install-recommends"}, packages...)...)
}

// apt waits for another apt rather than failing beside it.
func (m machine) apt(ctx context.Context, args ...string) error {
	return m.asRoot(ctx, append([]string{"apt-get", "--quiet", "-o", "DPkg::Lock::Timeout=300"}, args...)...)
}
