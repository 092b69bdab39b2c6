//go:build !linux

package confined

import "golang.org/x/sys/unix"

// limit bounds what this process may take up from here on. Memory is bounded on Linux alone.
func limit() error {
	for resource, most := range map[int]uint64{
		unix.RLIMIT_CPU: uint64(runTime.Duration().Seconds()) + 1, unix.RLIMIT_FSIZE: 0, unix.RLIMIT_CORE: 0,
	} {
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return err
		}
	}
	return nil
}
