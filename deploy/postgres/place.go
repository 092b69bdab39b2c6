package postgres

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

const (
	port = "5432" // only part of the socket's name: nothing listens on TCP
	// A unix socket's path holds 107 bytes on Linux, 103 on macOS.
	socketPathLimit = 103
)

// elsewhere holds the clusters of those DATA_DIRs that the server's account cannot reach.
const elsewhere = "/var/lib/annals"

// account is who the server runs as: ourselves, or postgres when we are root, which the server refuses.
type account struct {
	uid, gid int
	dropped  bool
}

func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return account{}, fmt.Errorf("PostgreSQL refuses to run as root and there is no user postgres: create one (useradd --system postgres) or start as another user: %w", err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return account{}, fmt.Errorf("user id of postgres: %w", err)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return account{}, fmt.Errorf("group id of postgres: %w", err)
	}
	return account{uid: uid, gid: gid, dropped: true}, nil
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

// place is where the parts of one cluster lie, with every symbolic link resolved.
type place struct {
	account
	home    string // lock, log, data
	data    string
	log     string
	sockets string
}

// settle makes the folders of the cluster at dir. Where the server's account cannot reach dir, the cluster lives
// in /var/lib/annals and dir becomes a link to it.
func settle(dir, sockets string) (place, error) {
	a, err := serverAccount()
	if err != nil {
		return place{}, err
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(dir))
	if err != nil {
		return place{}, err
	}
	dir = filepath.Join(parent, filepath.Base(dir))
	home, err := a.settleHome(dir)
	if err != nil {
		return place{}, err
	}
	if sockets == "" {
		sockets = a.socketDir(dir)
	}
	if err := a.makeSocketDir(sockets); err != nil {
		return place{}, err
	}
	return place{
		account: a, home: home, sockets: sockets,
		data: filepath.Join(home, "data"), log: filepath.Join(home, "postgres.log"),
	}, nil
}

func (a account) settleHome(dir string) (string, error) {
	home := dir
	if target, err := filepath.EvalSymlinks(dir); err == nil {
		home = target
	} else if !a.reaches(dir) {
		home = filepath.Join(elsewhere, hashOf(dir), "postgres")
	}
	if !a.reaches(home) {
		return "", fmt.Errorf("user id %d, which runs the server, may not enter the folders above %s: chmod a+x them, or move the folder away and a new cluster is made in %s", a.uid, home, elsewhere)
	}
	if err := os.MkdirAll(home, 0o711); err != nil {
		return "", err
	}
	if home == dir {
		return home, nil
	}
	if err := os.Symlink(home, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return home, nil
}

// socketDir names a folder that is short enough for a socket and the same whenever dir is.
func (a account) socketDir(dir string) string {
	name := "annals-" + hashOf(dir)
	if run := os.Getenv("XDG_RUNTIME_DIR"); run != "" && !a.dropped && fits(filepath.Join(run, name)) {
		if info, err := os.Stat(run); err == nil && info.IsDir() {
			return filepath.Join(run, name)
		}
	}
	temp := filepath.Join(os.TempDir(), name)
	if !fits(temp) || !a.reaches(temp) {
		temp = filepath.Join("/tmp", name)
	}
	return temp
}

func fits(dir string) bool { return len(filepath.Join(dir, ".s.PGSQL."+port)) <= socketPathLimit }

// makeSocketDir makes the folder whose permissions are the server's only guard, and refuses one that others prepared.
func (a account) makeSocketDir(dir string) error {
	if !fits(dir) {
		return fmt.Errorf("socket folder %s is too long: a socket's path holds %d bytes", dir, socketPathLimit)
	}
	err := os.Mkdir(dir, 0o700)
	if err == nil {
		return a.own(dir)
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || info.Mode().Perm() != 0o700 || int(stat.Uid) != a.uid {
		return fmt.Errorf("socket folder %s is not a private folder of user id %d: remove it", dir, a.uid)
	}
	return nil
}

func hashOf(path string) string {
	sum := sha256.Sum256([]byte(path))
	return hex.EncodeToString(sum[:6])
}
