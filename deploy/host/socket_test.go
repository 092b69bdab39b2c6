package host_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"annals/deploy/host"
	"annals/deploy/host/hosttest"
)

func TestASocketLiesInTheFirstFolderThatIsShortAndUsable(t *testing.T) {
	run, temp := t.TempDir(), t.TempDir()
	long := filepath.Join(temp, strings.Repeat("long", 30))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	foreign := "/usr" // as root owns it
	if os.Geteuid() == 0 {
		foreign = t.TempDir()
		if err := os.Chown(foreign, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	refuse := func(dir string) func(string) bool {
		return func(candidate string) bool { return !strings.HasPrefix(candidate, dir) }
	}
	for _, c := range []struct {
		what, run, temp string
		own             string
		usable          func(string) bool
		want            string
	}{
		{"the session's runtime folder", run, temp, "own", nil, filepath.Join(run, "own")},
		{"no runtime folder", "", temp, "own", nil, filepath.Join(temp, "shared")},
		{"a runtime folder that is gone", filepath.Join(run, "gone"), temp, "own", nil, filepath.Join(temp, "shared")},
		{"a runtime folder of another user", run, temp, "", nil, filepath.Join(temp, "shared")},
		{"a runtime folder that was inherited from another user", foreign, temp, "own", nil, filepath.Join(temp, "shared")},
		{"a temporary folder that is gone", "", filepath.Join(temp, "gone"), "own", nil, "/tmp/shared"},
		{"a long runtime folder", long, temp, "own", nil, filepath.Join(temp, "shared")},
		{"both long", long, long, "own", nil, "/tmp/shared"},
		{"a temporary folder that is refused", "", temp, "own", refuse(temp), "/tmp/shared"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Setenv("XDG_RUNTIME_DIR", c.run)
			t.Setenv("TMPDIR", c.temp)
			if got := host.SocketDir(c.own, "shared", "s", c.usable); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestASocketIsServedInAFolderThatOnlyItsUserMayEnterAndThatGoesWithIt(t *testing.T) {
	path := filepath.Join(hosttest.ShortDir(t), "private", "s")
	listen := func() net.Listener {
		t.Helper()
		l, err := host.ListenPrivate(path)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	left := listen() // as a killed process leaves its socket
	l := listen()
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info, err)
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	left.Close()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder stays: %v", err)
	}
}

func TestASocketIsNotServedWhereOthersGetInNorUnderAPathThatIsTooLong(t *testing.T) {
	open := filepath.Join(hosttest.ShortDir(t), "open")
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := host.ListenPrivate(filepath.Join(open, "s")); err == nil || !strings.Contains(err.Error(), "not a private folder") {
		t.Errorf("a folder that is open to others: %v", err)
	}
	private := filepath.Join(hosttest.ShortDir(t), "private")
	if err := os.Mkdir(private, 0o700); err != nil {
		t.Fatal(err)
	}
	if made, err := host.MakeSocketDir(private, "s", os.Geteuid()+1); made || err == nil {
		t.Errorf("a folder of another user: %v, %v", made, err)
	}
	long := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	if _, err := host.ListenPrivate(filepath.Join(long, "s")); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("a path that is too long: %v", err)
	}
}
