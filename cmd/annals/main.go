// Annals is an agent server that forgets nothing: the ElizaOS 1.2.0 API over an event-sourced core.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"annals/commands/reactions"
)

// cli is the command line; every flag that is not about a single run is also an environment variable.
type cli struct {
	Serve      Serve      `cmd:"" default:"withargs" help:"Serve the API (the default)."`
	Rebuild    Rebuild    `cmd:"" help:"Fill read models anew from the log, beside a running server or without one."`
	Embed      Embed      `cmd:"" help:"Embed again what has no vector of the model, beside a running server or without one."`
	History    History    `cmd:"" help:"Tell what happened, who did it and why."`
	Verify     Verify     `cmd:"" help:"Hold the log against itself and the chain over it, and the read models against the log."`
	Erase      Erase      `cmd:"" help:"Erase what a person has said, for good, beside a running server or without one."`
	Parked     Parked     `cmd:"" help:"List, show, retry or drop what reactions gave up."`
	Routes     Routes     `cmd:"" help:"List every route that is served, as METHOD /path."`
	Eventstore Eventstore `cmd:"" help:"Run the embedded event store alone."`
	Doctor     Doctor     `cmd:"" help:"Say what is missing or wrong on this machine, with the remedy."`
}

func main() {
	ctx, stop := untilStopped(context.Background())
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "annals:", err)
		os.Exit(1)
	}
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
	return parsed.Run()
}

func (c *cli) parse(ctx context.Context, args []string) (*kong.Context, error) {
	parser, err := kong.New(c, kong.Name("annals"), kong.UsageOnError(), declared(),
		kong.Description("An agent server that forgets nothing."),
		kong.Resolvers(kong.ResolverFunc(fromLocalEnvironment)),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return nil, err
	}
	if err := unsetEmpty(parser.Model.Node); err != nil {
		return nil, err
	}
	return parser.Parse(args)
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
