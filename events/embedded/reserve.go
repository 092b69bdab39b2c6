package embedded

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// spareFiles hold an inode each, spareDescriptors a file descriptor.
	spareFiles       = 8
	spareDescriptors = 16
	// failurePause slows down what Pebble tries again at once: a flush, a compaction.
	failurePause = 100 * time.Millisecond
)

// reserve is the file system of the log with inodes and file descriptors kept back.
//
// Pebble ends the process where it cannot make a file that it needs: the next write-ahead log, the next manifest. Both are due
// in the midst of a write, when it is too late to refuse it. So empty files lie beside the log. Where no inode is left, one of
// them is renamed to be the file; where no descriptor is left, one that is held is closed. Tables are made without, since
// Pebble tries again. The writer refuses writes until the reserve is whole again.
type reserve struct {
	vfs.FS
	dir string

	mu          sync.Mutex
	files       []string
	descriptors []io.Closer
	short       bool // something was taken that is not back
}

func newReserve(fs vfs.FS, dir string) *reserve {
	r := &reserve{FS: fs, dir: dir}
	_ = r.refill() // what is missing now is missing when the first write asks
	return r
}

// touched reports whether something was taken from the reserve that is not back.
func (r *reserve) touched() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.short
}

// refill takes back what is missing. It returns errNoInodes or errNoDescriptors where that cannot be had.
func (r *reserve) refill() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.short = true
	for i := 0; len(r.files) < spareFiles; i++ {
		name := r.PathJoin(r.dir, fmt.Sprintf("SPARE-%d", i))
		if slices.Contains(r.files, name) {
			continue
		}
		if _, err := r.Stat(name); err != nil { // not of an earlier life
			f, err := r.FS.Create(name, vfs.WriteCategoryUnspecified)
			if err != nil {
				return errNoInodes
			}
			_ = f.Close()
		}
		r.files = append(r.files, name)
	}
	for len(r.descriptors) < spareDescriptors {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return errNoDescriptors
		}
		r.descriptors = append(r.descriptors, f)
	}
	r.short = false
	return nil
}

// tableFiles is how many files Pebble may hold open: its own default, or a quarter of what the process may have.
func tableFiles() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1000
	}
	return int(min(1000, limit.Cur/4))
}

// Create implements vfs.FS.
func (r *reserve) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := withDescriptor(r, func() (vfs.File, error) { return r.FS.Create(name, category) })
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return f, err
	}
	if !strings.HasSuffix(name, ".sst") && r.rename(name) {
		return withDescriptor(r, func() (vfs.File, error) { return r.FS.OpenReadWrite(name, category) })
	}
	time.Sleep(failurePause)
	return nil, err
}

// rename makes a spare file the one of a name.
func (r *reserve) rename(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.short = true
	if len(r.files) == 0 {
		return false
	}
	spare := r.files[0]
	r.files = r.files[1:]
	return r.Rename(spare, name) == nil
}

// withDescriptor opens something, with descriptors of the reserve where there are no others.
func withDescriptor[F any](r *reserve, open func() (F, error)) (F, error) {
	for {
		f, err := open()
		if !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) {
			return f, err
		}
		if !r.release() {
			time.Sleep(failurePause)
			return f, err
		}
	}
}

// release closes a descriptor that is held.
func (r *reserve) release() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.short = true
	if len(r.descriptors) == 0 {
		return false
	}
	_ = r.descriptors[0].Close()
	r.descriptors = r.descriptors[1:]
	return true
}

// Open implements vfs.FS.
func (r *reserve) Open(name string, options ...vfs.OpenOption) (vfs.File, error) {
	return withDescriptor(r, func() (vfs.File, error) { return r.FS.Open(name, options...) })
}

// OpenReadWrite implements vfs.FS.
func (r *reserve) OpenReadWrite(name string, category vfs.DiskWriteCategory, options ...vfs.OpenOption) (vfs.File, error) {
	return withDescriptor(r, func() (vfs.File, error) { return r.FS.OpenReadWrite(name, category, options...) })
}

// OpenDir implements vfs.FS.
func (r *reserve) OpenDir(name string) (vfs.File, error) {
	return withDescriptor(r, func() (vfs.File, error) { return r.FS.OpenDir(name) })
}

// ReuseForWrite implements vfs.FS.
func (r *reserve) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return withDescriptor(r, func() (vfs.File, error) { return r.FS.ReuseForWrite(oldname, newname, category) })
}

// Unwrap implements vfs.FS.
func (r *reserve) Unwrap() vfs.FS { return r.FS }

// close gives the descriptors back.
func (r *reserve) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range r.descriptors {
		_ = d.Close()
	}
	r.descriptors = nil
}
