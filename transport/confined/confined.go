// Package confined runs functions of this program that read strangers' bytes in a process of their own. Whatever the bytes make of the
// function, the process ends in time, has little memory, and takes nothing else with it.
//
// The program starts itself again with the name of the function in its environment, and nothing else of the environment. The package of
// the function calls Program in its init, where the process that was started finds the name, limits itself, runs the function on its
// standard input, and exits before anything of main begins. The function writes what it made to the standard output.
package confined

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"annals/transport/limits"
)

// variable is what the name of the function stands under in the environment.
const variable = "ANNALS_CONFINED"

// What a process may take up.
var (
	runTime = limits.Declare(limits.Bound{
		Name: "confined.time", What: "reading a file in a process of its own", Per: limits.Request, Value: int64(20 * time.Second),
		Unit: limits.Time, Answer: "400 INVALID_REQUEST",
	})
	maxMemory = limits.Declare(limits.Bound{
		Name: "confined.memory", What: "the memory of a process that reads a file", Per: limits.Request, Value: 256 << 20,
		Unit: limits.Bytes, Answer: "400 INVALID_REQUEST",
	})
	maxRunning = limits.Declare(limits.Bound{
		Name: "confined.processes", What: "processes that read files, at a time", Per: limits.Server, Value: 2, Unit: limits.Count,
		Answer: "the request waits, then 503 with Retry-After",
	})
	waitTime = limits.Declare(limits.Bound{
		Name: "confined.wait", What: "waiting for a process that reads a file", Per: limits.Request, Value: int64(20 * time.Second),
		Unit: limits.Time, Answer: "503 with Retry-After",
	})
)

// What Run answers besides success.
var (
	// ErrBusy: as many processes run as may.
	ErrBusy = errors.New("too many files are being read at the moment")
	// ErrFailed: the function failed, took too long or too much memory, or panicked.
	ErrFailed = errors.New("it cannot be read")
	// ErrTooMuch: the function made more than it may.
	ErrTooMuch = errors.New("it says too much")
)

// Function reads bytes and writes what it made of them. The text of its error is shown to clients.
type Function func(in []byte, out io.Writer) error

// Exit codes of a process. The Go runtime exits with 2 after a panic, and where there is no memory left.
const exitFailed = 3

// Program names a function. In the process that was started for it, it does not return.
func Program(name string, f Function) {
	if os.Getenv(variable) != name {
		return
	}
	debug.SetTraceback("none")
	debug.SetMaxStack(8 << 20)
	time.AfterFunc(runTime.Duration(), func() { os.Exit(exitFailed) }) // also where the server is gone
	err := limit()
	if err == nil {
		var in []byte
		if in, err = io.ReadAll(os.Stdin); err == nil {
			err = f(in, os.Stdout)
		}
	}
	if err != nil {
		fmt.Fprint(os.Stderr, err)
		os.Exit(exitFailed)
	}
	os.Exit(0)
}

// running has a place for each process.
var running = make(chan struct{}, maxRunning.Int())

// Run runs the function with a name on bytes, and returns what it wrote, which is at most so many bytes.
func Run(ctx context.Context, name string, in []byte, most int64) ([]byte, error) {
	select {
	case running <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(waitTime.Duration()):
		return nil, ErrBusy
	}
	defer func() { <-running }()
	self, err := program()
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, runTime.Duration())
	defer cancel()
	cmd := exec.CommandContext(limited, self)
	out, said := &bounded{most: most}, &bounded{most: 200}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), out, said
	cmd.Env = []string{variable + "=" + name, "GOMAXPROCS=1"}
	cmd.Dir = os.TempDir()
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case out.exceeded:
		return nil, ErrTooMuch
	case err == nil:
		return out.buf.Bytes(), nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case limited.Err() != nil:
		return nil, fmt.Errorf("%w: it takes too long", ErrFailed)
	case errors.As(err, &exit) && exit.ExitCode() == exitFailed && said.buf.Len() > 0:
		return nil, fmt.Errorf("%w: %s", ErrFailed, strings.ToValidUTF8(said.buf.String(), ""))
	case errors.As(err, &exit):
		return nil, ErrFailed
	}
	return nil, fmt.Errorf("start %s in a process of its own: %w", name, err)
}

// program is the file of this program, also after another version was installed in its place.
func program() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	return os.Executable()
}

// bounded keeps what is written, up to a bound; a write beyond it fails, which ends the process.
type bounded struct {
	buf      bytes.Buffer
	most     int64
	exceeded bool
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if int64(b.buf.Len()+len(p)) > b.most {
		b.exceeded = true
		return 0, ErrTooMuch
	}
	return b.buf.Write(p)
}
