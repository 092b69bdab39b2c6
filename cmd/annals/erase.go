package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"

	"annals/cmd/internal/node"
	"annals/commands"
	"annals/events"
	"annals/projections"
	"annals/projections/engine"
)

// Erase is the command that erases what a person has said, beside a running server or without one.
type Erase struct {
	Subject     string `arg:"" help:"The person's id: what they said, their names, and what agents remember of them. An agent's, channel's, room's or world's id erases what is its own likewise."`
	DryRun      bool   `help:"Say what would be done, and do nothing."`
	node.Places `embed:""`
}

// Validate refuses what is no id.
func (e *Erase) Validate() error { return validID(e.Subject) }

// validID refuses what is no id; that one is missing, Kong says.
func validID(s string) error {
	if s == "" {
		return nil
	}
	_, err := events.ParseID(s)
	return err
}

// Run implements the command. The key goes first: whatever interrupts the rest, nobody can read any more what the log holds,
// and the same command goes on.
func (e *Erase) Run(ctx context.Context) error {
	subject, err := events.ParseID(e.Subject)
	if err != nil {
		return err
	}
	b, err := node.OpenExisting(ctx, e.Options())
	defer b.Stop(ctx)
	if err != nil {
		return err
	}
	log, err := logOf(ctx, b)
	if err != nil {
		return err
	}
	pasts, err := engine.Pasts(ctx, b.DatabaseURL)
	if err != nil {
		return err
	}
	if e.DryRun {
		return e.say(ctx, b, subject, pasts)
	}
	if err := known(ctx, b, subject); err != nil {
		return err
	}
	if err := engine.BeginErasure(ctx, b.Projections(log), subject); err != nil {
		return err
	}
	if err := b.Codec.Erase(ctx, subject); err != nil {
		return err
	}
	if _, err := commands.Handle(ctx, b.Env(), node.ByCLI(time.Now()), commands.EraseSubject{SubjectID: subject}); err != nil {
		return fmt.Errorf("the key is destroyed, but the servers were not told: %w; repeat the command", err)
	}
	left, err := engine.Renew(ctx, b.Projections(log), legible(), newProgress(os.Stdout, "events").show)
	switch {
	case err != nil && ctx.Err() != nil:
		return errors.New("interrupted when the key was destroyed, but rows may still show the text: repeat the command")
	case err != nil:
		return fmt.Errorf("the key is destroyed, but rows may still show the text: %w; repeat the command", err)
	case len(left) > 0:
		return fmt.Errorf("the key is destroyed, but rows still show the text: %s; repeat the command then", inUse(left))
	}
	if err := engine.EndErasure(ctx, b.Projections(log), subject); err != nil {
		return fmt.Errorf("everything is erased, but that could not be noted: %w; repeat the command", err)
	}
	fmt.Printf("erased what is of %s%s\n", subject, dropped(pasts))
	return nil
}

// inUse names the processes that keep rows from being removed, and the remedy.
func inUse(left []engine.InUse) string {
	var said []string
	for _, l := range left {
		switch {
		case len(l.Builds) > 0:
			said = append(said, fmt.Sprintf("%s is read by servers of another build (%s): stop them", l.Schema, strings.Join(l.Builds, ", ")))
		case l.Holder != "":
			said = append(said, fmt.Sprintf("%s is held by a node that does not let go of it, frozen or cut off (%s): end that node, or that process with pg_terminate_backend", l.Schema, l.Holder))
		default:
			said = append(said, l.Schema+" is in use")
		}
	}
	return strings.Join(said, "; ")
}

// known refuses a subject without sealed or erased text: the id is probably mistaken.
func known(ctx context.Context, b *node.Backends, subject uuid.UUID) error {
	held, err := b.Codec.Holds(ctx, subject)
	if err != nil || held {
		return err
	}
	for _, err := range b.Store.Read(ctx, commands.EraseSubject{SubjectID: subject}.Stream(), events.Backwards) {
		return err // it was erased before: the rows may be left
	}
	return fmt.Errorf("there is no key of %s, and none was destroyed: nothing here is of it; nothing was changed", subject)
}

func (e *Erase) say(ctx context.Context, b *node.Backends, subject uuid.UUID, pasts []string) error {
	if err := known(ctx, b, subject); err != nil {
		return err
	}
	held, err := b.Codec.Holds(ctx, subject)
	if err != nil {
		return err
	}
	key := "the key of " + subject.String() + " would be destroyed, for good"
	if !held {
		key = "the key of " + subject.String() + " was destroyed before"
	}
	fmt.Printf("%s; filled anew would be %s%s\n", key, strings.Join(legible(), ", "), dropped(pasts))
	return nil
}

func dropped(pasts []string) string {
	if len(pasts) == 0 {
		return ""
	}
	return "; dropped, to be made again: " + strings.Join(pasts, ", ")
}

// legible are the projections that hold text in clear.
func legible() (names []string) {
	for _, p := range projections.All() {
		if p.Group != projections.GroupHistory {
			names = append(names, p.Name)
		}
	}
	return names
}
