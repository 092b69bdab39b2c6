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
	node.Config `embed:""`
	Subject     string `arg:"" help:"The person's id: what they said, their names, and what agents remember of them. An agent's, channel's, room's or world's id erases what is its own likewise."`
	DryRun      bool   `help:"Say what would be done, and do nothing."`
}

// Run implements the command. The key goes first: whatever interrupts the rest, nobody can read any more what the log holds,
// and the same command goes on.
func (e *Erase) Run(ctx context.Context) error {
	subject, err := events.ParseID(e.Subject)
	if err != nil {
		return err
	}
	b, err := node.Open(ctx, node.Options{Config: e.Config})
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
		return e.say(ctx, b.Codec, subject, pasts)
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
		return fmt.Errorf("the key is destroyed, but servers of another build read rows that show the text (%s): stop them and repeat the command", strings.Join(left, ", "))
	}
	fmt.Printf("erased what is of %s%s\n", subject, dropped(pasts))
	return nil
}

func (e *Erase) say(ctx context.Context, codec *events.Codec, subject uuid.UUID, pasts []string) error {
	held, err := codec.Holds(ctx, subject)
	if err != nil {
		return err
	}
	key := "the key of " + subject.String() + " would be destroyed, for good"
	if !held {
		key = "there is no key of " + subject.String() + ": nothing of it can be read"
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
