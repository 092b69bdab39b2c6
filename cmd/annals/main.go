// Annals is an agent server that forgets nothing: the ElizaOS 1.2.0 API over an event-sourced core.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"annals/commands/reactions"
)

// cli is the command line; every flag that is not about a single run is also an environment variable.
type cli struct {
	Serve      Serve      `cmd:"" default:"1" help:"Serve the API (the default)."`
	Rebuild    Rebuild    `cmd:"" help:"Fill read models anew from the log, beside a running server or without one."`
	Embed      Embed      `cmd:"" help:"Embed again what has no vector of the model, beside a running server or without one."`
	History    History    `cmd:"" help:"Tell what happened, who did it and why."`
	Why        Why        `cmd:"" help:"Tell how an agent's answer came about, or why there is none."`
	Verify     Verify     `cmd:"" help:"Hold the log against itself and the chain over it, and the read models against the log."`
	Chain      Chain      `cmd:"" help:"Show signed heads of the chain over the log and proofs about them, and check both."`
	Erase      Erase      `cmd:"" help:"Erase what a person has said, for good, beside a running server or without one."`
	Parked     Parked     `cmd:"" help:"List, show, retry or drop what reactions gave up."`
	MCP        MCP        `cmd:"" name:"mcp" help:"Let an assistant on this machine use a running server, over the Model Context Protocol."`
	Routes     Routes     `cmd:"" help:"List every route that is served, as METHOD /path."`
	Eventstore Eventstore `cmd:"" help:"Run the embedded event store alone."`
	Doctor     Doctor     `cmd:"" help:"Say what is missing or wrong on this machine, with the remedy."`
	Licenses   Licenses   `cmd:"" help:"Print the notices of what the binary contains that others wrote."`
	Version    Version    `cmd:"" help:"Say which annals this is, and which version of ElizaOS's API it serves."`
}

func main() { os.Exit(perform(os.Args[1:])) }

// Exit statuses: something failed, the command line says nothing that can be done, or the reader of the output has gone, which
// shells show as 128 and SIGPIPE.
const (
	statusFailed = 1
	statusUsage  = 2
	statusPipe   = 128 + 13
)

// perform runs a command until it is done or a signal ends it, and returns the exit status.
func perform(args []string) int {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // a write fails instead, so that what the command has started is stopped
	ctx, stop := untilStopped(context.Background())
	defer stop()
	err := run(ctx, args)
	if err == nil {
		return 0
	}
	if wrote := new(fs.PathError); errors.As(err, &wrote) && wrote.Path == os.Stdout.Name() && errors.Is(wrote, syscall.EPIPE) {
		return statusPipe
	}
	fmt.Fprintln(os.Stderr, "annals:", err)
	var usage usageError
	if !errors.As(err, &usage) {
		return statusFailed
	}
	fmt.Fprintf(os.Stderr, "Run \"annals %s--help\" for how it is used.\n", usage.command)
	return statusUsage
}

// usageError is a command line with which nothing can be done.
type usageError struct {
	error
	command string // the words that lead to the command, with a space after each
}

func (e usageError) Unwrap() error { return e.error }

// wrongUsage is one that is found out only by a command.
func wrongUsage(format string, args ...any) error {
	return usageError{error: fmt.Errorf(format, args...)}
}

// untilStopped ends with the signals that ask a process to end: Ctrl-C, a service manager's SIGTERM, and the SIGHUP of a
// terminal that was closed, unless the process was started to survive that (nohup).
func untilStopped(ctx context.Context) (context.Context, context.CancelFunc) {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signal.NotifyContext(ctx, signals...)
}

func run(ctx context.Context, args []string) error {
	parsed, err := new(cli).parse(ctx, args)
	if err != nil {
		return err
	}
	err = parsed.Run()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return errors.New("interrupted")
	}
	return err
}

// resumable is the error of a command that a signal may end anywhere, and that goes on from there when it is given again.
func resumable(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return errors.New("interrupted; the same command goes on from here")
	}
	return err
}

func (c *cli) parse(ctx context.Context, args []string) (*kong.Context, error) {
	var local localEnvironment
	parser, err := kong.New(c, kong.Name("annals"), declared(),
		kong.Description("An agent server that forgets nothing."),
		kong.Resolvers(kong.ResolverFunc(local.resolve)),
		kong.WithAfterApply(refuseEmpty),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return nil, err
	}
	if err := unsetEmpty(parser.Model.Node); err != nil {
		return nil, err
	}
	parsed, err := parser.Parse(withDefaults(parser.Model.Node, asCommand(args)))
	if local.failed != nil {
		return nil, local.failed
	}
	var wrong *kong.ParseError
	if errors.As(err, &wrong) {
		usage := usageError{error: wrong}
		for n := wrong.Context.Selected(); n != nil && n.Type == kong.CommandNode; n = n.Parent {
			usage.command = n.Name + " " + usage.command
		}
		return nil, usage
	}
	return parsed, err
}

// asCommand spells as we do what other programs are asked with: help, help COMMAND and --version.
func asCommand(args []string) []string {
	switch {
	case len(args) > 0 && args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	case len(args) == 1 && args[0] == "--version":
		return []string{"version"}
	}
	return args
}

// refuseEmpty refuses a flag that is set to nothing although it has a default: an empty folder would be the current one, and an
// empty host every address of the machine.
func refuseEmpty(parsed *kong.Context) error {
	for _, f := range parsed.Flags() {
		if f.Default != "" && f.Target.Kind() == reflect.String && f.Target.IsZero() {
			return fmt.Errorf("--%s is empty", f.Name)
		}
	}
	return nil
}

// withDefaults names the command where flags stand in its place. (Kong's own way takes a mistyped command for an argument of the
// default one.)
func withDefaults(n *kong.Node, args []string) []string {
	for i := 0; ; i++ {
		if i == len(args) || strings.HasPrefix(args[i], "-") {
			if n.DefaultCmd == nil || i < len(args) && (args[i] == "--help" || args[i] == "-h") {
				return args
			}
			return slices.Insert(slices.Clone(args), i, n.DefaultCmd.Name)
		}
		next := slices.IndexFunc(n.Children, func(c *kong.Node) bool { return c.Name == args[i] })
		if next < 0 {
			return args
		}
		n = n.Children[next]
	}
}

// declared is what help names, and is declared elsewhere.
func declared() kong.Vars {
	var names []string
	for _, d := range reactions.All() {
		names = append(names, d.Name)
	}
	return kong.Vars{"reactions": strings.Join(names, ", ")}
}

// unsetEmpty takes a setting of the environment that is empty for one that is not made: it comes from a compose file or a
// script where nobody filled it in, and an empty SERVER_HOST would be every address of the machine.
func unsetEmpty(n *kong.Node) error {
	for _, f := range n.Flags {
		for _, name := range f.Tag.Envs {
			if os.Getenv(name) == "" {
				if err := os.Unsetenv(name); err != nil {
					return err
				}
			}
		}
	}
	for _, child := range n.Children {
		if err := unsetEmpty(child); err != nil {
			return err
		}
	}
	return nil
}
