package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
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
	Subject     idFlag `arg:"" optional:"" help:"The person's id: what they said, their names, and what agents remember of them. An agent's, channel's, room's or world's id erases what is its own likewise."`
	Lost        bool   `help:"Give up the keys that are lost: what they sealed counts as erased, and new keys may be made again. Restore the keys from a backup instead where there is one."`
	DryRun      bool   `help:"Say what would be done, and do nothing."`
	node.Places `embed:""`
}

// Validate refuses what names nothing.
func (e *Erase) Validate() error {
	if (e.Subject.UUID == uuid.Nil) != e.Lost {
		return errors.New("name the subject to erase, or say --lost")
	}
	return nil
}

// Run implements the command. That the text is erased is recorded first, so that nobody takes the missing key for a lost one;
// then the key is destroyed, and the rows are removed. Interrupted anywhere, the same command goes on.
func (e *Erase) Run(ctx context.Context) error {
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
	what, err := e.subjects(ctx, b)
	if err != nil {
		return err
	}
	if e.DryRun {
		e.say(what, pasts)
		return nil
	}
	o := b.Projections(log)
	o.Legible = nil // an erasure does not wait until other keys are back
	for _, s := range what {
		if err := s.destroy(ctx, b, o); err != nil {
			return err
		}
	}
	left, err := engine.Renew(ctx, o, legible(), newProgress(os.Stdout, "events").show)
	switch {
	case err != nil && ctx.Err() != nil:
		return errors.New("interrupted when the key was destroyed, but rows may still show the text: repeat the command")
	case err != nil:
		return fmt.Errorf("the key is destroyed, but rows may still show the text: %w; repeat the command", err)
	case len(left) > 0:
		return fmt.Errorf("the key is destroyed, but rows still show the text: %s; repeat the command then", inUse(left))
	}
	for _, s := range what {
		if err := engine.EndErasure(ctx, o, s.subject); err != nil {
			return fmt.Errorf("everything is erased, but that could not be noted: %w; repeat the command", err)
		}
	}
	fmt.Printf("erased what is of %s%s\n", namesOf(what), dropped(pasts))
	return nil
}

// toErase is a subject with the check value of its key; that is empty where the key was destroyed before.
type toErase struct {
	subject uuid.UUID
	key     string
	lost    bool
}

// destroy records the erasure, and destroys the key.
func (s toErase) destroy(ctx context.Context, b *node.Backends, o engine.Options) error {
	if err := engine.BeginErasure(ctx, o, s.subject); err != nil {
		return err
	}
	record := commands.EraseSubject{SubjectID: s.subject, Key: s.key}
	if _, err := commands.Handle(ctx, b.Env(), node.ByCLI(time.Now()), record); err != nil {
		return fmt.Errorf("nothing is erased: %w; repeat the command", err)
	}
	if s.lost {
		return nil // there is nothing to destroy; another key that the subject got meanwhile stays
	}
	if err := b.Codec.Erase(ctx, s.subject); err != nil {
		return fmt.Errorf("the key is not destroyed yet: %w; repeat the command", err)
	}
	return nil
}

func namesOf(all []toErase) string {
	if len(all) == 1 {
		return all[0].subject.String()
	}
	return counted(len(all), "subject")
}

// subjects finds what is to be erased. It refuses a subject without sealed or erased text: the id is probably mistaken.
func (e *Erase) subjects(ctx context.Context, b *node.Backends) ([]toErase, error) {
	if e.Lost {
		return lostSubjects(ctx, b, uuid.Nil)
	}
	subject := e.Subject.UUID
	key, err := b.Codec.KeyOf(ctx, subject)
	if err != nil || key != "" {
		return []toErase{{subject: subject, key: key}}, err
	}
	for _, err := range b.Store.Read(ctx, commands.EraseSubject{SubjectID: subject}.Stream(), events.Backwards) {
		return []toErase{{subject: subject}}, err // it was erased before: the rows may be left
	}
	return lostSubjects(ctx, b, subject)
}

// lostSubjects goes over the log and lists the subjects whose key is lost, or the one that is asked for.
func lostSubjects(ctx context.Context, b *node.Backends, only uuid.UUID) (found []toErase, err error) {
	if err := b.Decode(ctx); err != nil {
		return nil, err
	}
	all, more, err := b.Codec.Lost(ctx)
	if err != nil {
		return nil, err
	}
	for _, l := range all {
		known := slices.ContainsFunc(found, func(f toErase) bool { return f.subject == l.Subject })
		if !known && (only == uuid.Nil || l.Subject == only) {
			found = append(found, toErase{l.Subject, l.Key, true})
		}
	}
	switch {
	case len(found) > 0 && more && only == uuid.Nil:
		fmt.Println("more keys are lost than are given up at once: repeat the command afterwards")
	case len(found) == 0 && only == uuid.Nil:
		return nil, errors.New("no key is lost; nothing was changed")
	case len(found) == 0:
		return nil, fmt.Errorf("there is no key of %s, and none was destroyed: nothing here is of it; nothing was changed", only)
	}
	return found, nil
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

func (e *Erase) say(what []toErase, pasts []string) {
	for _, s := range what {
		switch {
		case s.lost:
			fmt.Printf("the key of %s is lost and would be given up, for good\n", s.subject)
		case s.key == "":
			fmt.Printf("the key of %s was destroyed before\n", s.subject)
		default:
			fmt.Printf("the key of %s would be destroyed, for good\n", s.subject)
		}
	}
	fmt.Printf("filled anew would be %s%s\n", strings.Join(legible(), ", "), dropped(pasts))
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
