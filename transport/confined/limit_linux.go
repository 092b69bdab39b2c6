package confined

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// limit bounds what this process may take up from here on.
func limit() error {
	held, err := addressSpace()
	if err != nil {
		return err
	}
	for resource, most := range map[int]uint64{
		unix.RLIMIT_AS: held + uint64(maxMemory.Value), unix.RLIMIT_CPU: uint64(runTime.Duration().Seconds()) + 1,
		unix.RLIMIT_FSIZE: 0, unix.RLIMIT_NOFILE: 16, unix.RLIMIT_CORE: 0,
	} {
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return fmt.Errorf("limit a process: %w", err)
		}
	}
	return nil
}

// addressSpace is what the Go runtime has reserved of it, in bytes.
func addressSpace() (uint64, error) {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	pages, _, _ := strings.Cut(string(statm), " ")
	n, err := strconv.ParseUint(pages, 10, 64)
	return n * uint64(os.Getpagesize()), err
}
