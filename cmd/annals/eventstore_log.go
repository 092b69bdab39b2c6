package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"annals/cmd/internal/node"
	"annals/events/embedded"
	"annals/events/esdb"
)

// log finds the log and the node that has it open: `annals eventstore`, or the server to whose data folder it belongs.
func (f LogFolder) log(ctx context.Context) (embedded.Log, error) {
	folder, err := filepath.Abs(f.path())
	l := embedded.Log{Dir: folder, Socket: node.SocketPath(folder), Logger: f.LogLevel.Logger()}
	if ofServer := node.SocketPath(filepath.Dir(folder)); filepath.Base(folder) == "events" && listens(ctx, ofServer) {
		l.Socket = ofServer
	}
	return l, err
}

func listens(ctx context.Context, socket string) bool {
	c, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err == nil {
		_ = c.Close()
	}
	return err == nil
}

// StoreBackup copies the log.
type StoreBackup struct {
	Dir       string `arg:"" help:"Folder to make."`
	LogFolder `embed:""`
}

// Run implements the command.
func (b *StoreBackup) Run(ctx context.Context) error {
	l, err := b.log(ctx)
	if err != nil {
		return err
	}
	if err := l.Backup(ctx, b.Dir); err != nil {
		return b.remedied(err)
	}
	fmt.Println("backed up to", b.Dir)
	return nil
}

// StoreExport writes the log as lines of JSON.
type StoreExport struct {
	File      string `arg:"" optional:"" default:"-" help:"File to make; - is the standard output."`
	From      string `name:"from" placeholder:"URL" help:"esdb:// or esdb+discover:// of a cluster to export instead of a folder."`
	LogFolder `embed:""`
}

// Run implements the command.
func (e *StoreExport) Run(ctx context.Context) (err error) {
	to := os.Stdout
	if e.File != "-" {
		if to, err = os.OpenFile(e.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
			return fmt.Errorf("export: %w", err)
		}
		defer func() {
			if err = errors.Join(err, to.Close()); err != nil { // half a log must not pass for one
				err = errors.Join(err, os.Remove(e.File))
			}
		}()
	}
	n, err := e.export(ctx, to)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, n, "events exported")
	return nil
}

func (e *StoreExport) export(ctx context.Context, to io.Writer) (int, error) {
	if e.From != "" {
		return exportFrom(ctx, e.From, to, e.LogLevel)
	}
	l, err := e.log(ctx)
	if err != nil {
		return 0, err
	}
	n, err := l.Export(ctx, to)
	return n, e.remedied(err)
}

// exportFrom exports through the client what any node or cluster has.
func exportFrom(ctx context.Context, url string, to io.Writer, level node.Level) (n int, err error) {
	s, err := esdb.Open(ctx, esdb.Options{URL: url, Logger: level.Logger()})
	if err != nil {
		return 0, err
	}
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), node.Drain)
		defer cancel()
		err = errors.Join(err, s.Close(stopping))
	}()
	lines := embedded.NewLineWriter(to)
	for e, err := range s.Everything(ctx, 0) {
		if err != nil {
			return n, err
		}
		err := lines.Write(embedded.Line{
			Position: uint64(e.Position), Stream: string(e.Stream), Revision: e.Revision, ID: e.ID, Type: e.Type, JSON: e.JSON,
			Created: e.Created.UTC(), Data: e.Data, Metadata: e.Metadata,
		})
		if err != nil {
			return n, err
		}
		n++
	}
	return n, lines.Flush()
}

// StoreImport makes a log from an export.
type StoreImport struct {
	File      string `arg:"" optional:"" default:"-" help:"File to read; - is the standard input."`
	LogFolder `embed:""`
}

// Run implements the command.
func (i *StoreImport) Run(ctx context.Context) error {
	from := os.Stdin
	if i.File != "-" {
		var err error
		if from, err = os.Open(i.File); err != nil {
			return fmt.Errorf("import: %w", err)
		}
		defer func() { _ = from.Close() }()
	}
	n, err := embedded.Import(ctx, i.path(), from, i.LogLevel.Logger())
	if err != nil {
		return i.remedied(err)
	}
	fmt.Println(n, "events imported to", i.path())
	return nil
}

// StoreVerify reads the whole log.
type StoreVerify struct {
	LogFolder `embed:""`
}

// Run implements the command. It fails when something is damaged.
func (v *StoreVerify) Run(ctx context.Context) error {
	l, err := v.log(ctx)
	if err != nil {
		return err
	}
	found, err := l.Verify(ctx, func(damage error) { fmt.Println("-", damage) })
	if err != nil {
		return v.remedied(err)
	}
	if found.Damages > 0 {
		return fmt.Errorf("%s is damaged in %s: restore a backup", v.path(), counted(found.Damages, "place"))
	}
	fmt.Printf("%d events in %d streams are as they were written\n", found.Events, found.Streams)
	return nil
}
