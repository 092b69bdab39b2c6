package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"annals/deploy/postgres/pgtest"
)

// spent is how much of a processor's time a process has taken, as Linux counts it, in hundredths of a second.
func spent(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	total := 0
	for _, f := range fields[11:13] { // utime and stime, see proc(5)
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		total += n
	}
	return total
}

func TestAServerThatHasNothingToDoRests(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("how much time a process takes is read from Linux's /proc")
	}
	p := spawn(t, "SERVER_PORT=0", "DATA_DIR="+t.TempDir(), "POSTGRES_URL="+pgtest.New(t))
	p.runningAgent(t, "Idle Agent")
	eventually(t, time.Minute, "a second in which it takes less than a tenth of a processor", func() bool {
		before := spent(t, p.cmd.Process.Pid)
		time.Sleep(time.Second) // what happens while nothing is asked is what is measured
		return spent(t, p.cmd.Process.Pid)-before < 10
	})
}
