package postgres

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"annals/deploy/host"
)

const (
	port       = "5432" // only part of the socket's name: nothing listens on TCP
	socketName = ".s.PGSQL." + port
)

// elsewhere holds the clusters of those DATA_DIRs that the server's account cannot reach.
const elsewhere = "/var/lib/annals"

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
	parent, err := filepath.EvalSymlinks(filepath.Dir(dir))
	if err != nil {
		return place{}, err
	}
	dir = filepath.Join(parent, filepath.Base(dir))
	a, err := serverAccount(filepath.Join(dir, "data"))
	if err != nil {
		return place{}, err
	}
	home, err := a.homeFor(dir)
	if err != nil {
		return place{}, err
	}
	if err := a.makeHome(home, dir); err != nil {
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

// homeFor is where the cluster of dir lies or is to lie. A cluster elsewhere is found by the link in dir alone: one
// without a link belongs to a DATA_DIR that was removed or moved, not to a new one in its place.
func (a account) homeFor(dir string) (string, error) {
	home := dir
	if target, err := filepath.EvalSymlinks(dir); err == nil && target != dir {
		home = target
	} else if !a.reaches(dir) && majorOf(filepath.Join(dir, "data")) == 0 {
		home = filepath.Join(elsewhere, hashOf(dir)+"-"+timestamp(), "postgres")
	}
	if !a.reaches(home) {
		return "", fmt.Errorf("user id %d, which runs the server, may not enter the folders above %s: chmod a+x them, or move it away and a new cluster is made in %s", a.uid, home, elsewhere)
	}
	return home, nil
}

// makeHome makes the cluster's folder, which others may pass through whatever our umask, and the link that leads to it.
func (a account) makeHome(home, dir string) error {
	if err := os.MkdirAll(home, 0o711); err != nil {
		return err
	}
	ours := []string{home}
	if filepath.Dir(filepath.Dir(home)) == elsewhere {
		ours = []string{elsewhere, filepath.Dir(home), home}
	}
	for _, folder := range ours {
		if err := a.admit(folder); err != nil {
			return err
		}
	}
	if home == dir {
		return nil
	}
	if target, err := os.Readlink(dir); err == nil && target == home {
		return nil
	}
	if err := removeAny(dir); err != nil { // an empty folder, or a link that leads nowhere
		return fmt.Errorf("put a link to %s in place of %s: %w", home, dir, err)
	}
	return os.Symlink(home, dir)
}

func removeAny(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// socketDir names a folder that the server's account reaches. Where that is not ours, our runtime folder is not its.
func (a account) socketDir(dir string) string {
	name := "annals-" + hashOf(dir)
	own := name
	if a.dropped {
		own = ""
	}
	return host.SocketDir(own, name, socketName, a.reaches)
}

// makeSocketDir makes the folder whose permissions are the server's only guard, and hands it to the server's account.
func (a account) makeSocketDir(dir string) error {
	made, err := host.MakeSocketDir(dir, socketName, a.uid)
	if made {
		err = a.own(dir)
	}
	return err
}

// clearSockets removes what a killed server leaves in the socket folder.
func (p place) clearSockets() error {
	socket := filepath.Join(p.sockets, socketName)
	return errors.Join(removeAny(socket), removeAny(socket+".lock"))
}

func timestamp() string { return time.Now().UTC().Format("20060102T150405.000") }

func hashOf(path string) string {
	sum := sha256.Sum256([]byte(path))
	return hex.EncodeToString(sum[:6])
}
