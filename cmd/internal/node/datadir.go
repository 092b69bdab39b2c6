package node

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"annals/deploy/host"
)

// dataDir is the folder of one server. Whoever holds its lock serves the embedded event store.
type dataDir struct {
	path string
	lock *os.File
}

// openDataDir makes the folder and takes its lock. Others may pass through the folder: PostgreSQL may have to run as
// another user. What is secret in it is in folders of its own.
func openDataDir(path string) (*dataDir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(path, 0o711); err != nil { //nolint:gosec // see above
		return nil, fmt.Errorf("data folder: %w; set DATA_DIR to a folder that can be written", err)
	}
	f, err := host.TryLock(filepath.Join(path, "lock"), host.Exclusive, 0o600)
	if errors.Is(err, host.ErrLocked) {
		holder, _ := readAddresses(path)
		return nil, fmt.Errorf("%w: %s is held by process %d: stop it, or set another DATA_DIR and SERVER_PORT", errInUse, path, holder.Process)
	}
	if err != nil {
		return nil, fmt.Errorf("data folder: %w; set DATA_DIR to a folder that can be written", err)
	}
	d := &dataDir{path: path, lock: f}
	if err := d.tell(addresses{}); err != nil {
		_ = f.Close()
		return nil, err
	}
	return d, nil
}

// errInUse: another process serves from the data folder.
var errInUse = errors.New("the data folder is in use")

// addresses are where other annals commands reach what the holder of the lock has embedded. They stand in the lock file.
type addresses struct {
	Process    int    `json:"process"`
	EventStore string `json:"eventStore,omitempty"`
	Postgres   string `json:"postgres,omitempty"`
	URL        string `json:"url,omitempty"` // where a server answers clients
}

// ServerURL returns where the server answers that holds a data folder; empty where none does, or it is still starting.
func ServerURL(dir string) string {
	a, err := readAddresses(dir)
	if err != nil {
		return ""
	}
	return a.URL
}

// tell writes down who holds the folder.
func (d *dataDir) tell(a addresses) error {
	a.Process = os.Getpid()
	line, err := json.Marshal(a)
	if err == nil {
		err = d.lock.Truncate(0)
	}
	if err == nil {
		_, err = d.lock.WriteAt(append(line, '\n'), 0)
	}
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	return nil
}

func readAddresses(path string) (a addresses, err error) {
	line, err := os.ReadFile(filepath.Join(path, "lock"))
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(line, &a)
}

// serving finds the server that holds a data folder.
func serving(dir string) (path string, a addresses, err error) {
	if path, err = filepath.Abs(dir); err != nil {
		return path, a, err
	}
	a, err = readAddresses(path)
	if err != nil || a.EventStore == "" {
		return path, a, fmt.Errorf("%w by process %d, which is still starting: try again", errInUse, a.Process)
	}
	return path, a, nil
}

func (d *dataDir) join(name string) string { return filepath.Join(d.path, name) }

// KeysIn is where a data folder has the keys of the log that it holds.
func KeysIn(dir string) string { return filepath.Join(dir, "keys") }

// ChainIn is where a data folder has the heads.
func ChainIn(dir string) string { return filepath.Join(dir, "chain") }

// Close gives the lock back.
func (d *dataDir) Close() error { return d.lock.Close() }

// SocketPath is where the embedded event store of a data folder listens.
func SocketPath(dataDir string) string {
	const file = "events.sock"
	sum := sha256.Sum256([]byte(dataDir))
	name := "annals-" + hex.EncodeToString(sum[:8])
	return filepath.Join(host.SocketDir(name, fmt.Sprintf("%s-%d", name, os.Getuid()), file, nil), file)
}
