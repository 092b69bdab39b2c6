package postgres

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is who the server runs as: ourselves, or postgres when we are root, which the server refuses.
type account struct {
	uid, gid int
	dropped  bool
}

// serverAccount is who owns the data folder already, where we may choose.
func serverAccount(data string) (account, error) {
	self := account{uid: os.Geteuid(), gid: os.Getegid()}
	owner, made := ownerOf(data)
	switch {
	case self.uid != 0 && made && owner.uid != self.uid:
		return account{}, fmt.Errorf("%s belongs to user id %d: start as that user or as root, or move it away", data, owner.uid)
	case self.uid != 0:
		return self, nil
	case made && owner.uid != 0:
		owner.dropped = true
		return owner, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return account{}, fmt.Errorf("PostgreSQL refuses to run as root and there is no user postgres: create one (useradd --system postgres) or start as another user: %w", err)
	}
	uid, uidErr := strconv.Atoi(u.Uid)
	gid, gidErr := strconv.Atoi(u.Gid)
	return account{uid: uid, gid: gid, dropped: true}, errors.Join(uidErr, gidErr)
}

func ownerOf(path string) (account, bool) {
	info, err := os.Stat(path)
	if err != nil {
		return account{}, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return account{}, false
	}
	return account{uid: int(stat.Uid), gid: int(stat.Gid)}, true
}

// process starts the server in a session of its own, so that Ctrl-C reaches us and not it.
func (a account) process() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if a.dropped {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}

// own hands one path, which must be ours, to the server's account.
func (a account) own(path string) error {
	if !a.dropped {
		return nil
	}
	return os.Lchown(path, a.uid, a.gid)
}

// reaches tells whether the account may pass through every folder above path; those not made yet will be ours.
func (a account) reaches(path string) bool {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && !a.passes(info) {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

func (a account) passes(dir fs.FileInfo) bool {
	stat, ok := dir.Sys().(*syscall.Stat_t)
	switch {
	case !ok:
		return false
	case int(stat.Uid) == a.uid:
		return dir.Mode()&0o100 != 0
	case int(stat.Gid) == a.gid:
		return dir.Mode()&0o010 != 0
	}
	return dir.Mode()&0o001 != 0
}

// admit lets the account pass through a folder of ours that a strict umask has closed.
func (a account) admit(folder string) error {
	info, err := os.Stat(folder)
	if err != nil || a.passes(info) {
		return err
	}
	return os.Chmod(folder, info.Mode().Perm()|0o111)
}
