package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"annals/cmd/internal/node"
	"annals/commands/reactions"
	"annals/events"
	"annals/projections"
	"annals/projections/engine"
	"annals/queries"
	"annals/transport/models"
)

// Embed is the command that gives what agents remember its vector of the model, where it has none or another's.
type Embed struct {
	Model  string `name:"model" placeholder:"MODEL" help:"Embed with this model instead of the one that is set; set it for the server, too."`
	DryRun bool   `help:"Say what would be done, and do nothing."`

	models.Embedders
	node.Places `embed:""`
}

const (
	// embeddedTogether is how many memories one call of the model gets, and embeddedCalls how many calls are under way.
	embeddedTogether = 64
	embeddedCalls    = 2
)

// Run implements the command. What it has done stays when it is interrupted, and is not done again.
func (e *Embed) Run(ctx context.Context) error { return resumable(ctx, e.work(ctx)) }

func (e *Embed) work(ctx context.Context) (err error) {
	if e.Model != "" {
		e.Embedding.Model = e.Model
	}
	model := e.Server().Embedder()
	if e.Model != "" && model.Model() != e.Model {
		return fmt.Errorf("there is no endpoint to embed with %s: set OPENAI_BASE_URL, or OPENAI_API_KEY", e.Model)
	}
	b, err := node.OpenExisting(ctx, e.Options())
	defer b.Stop(ctx)
	if err != nil {
		return err
	}
	log, err := b.Log(ctx)
	if err != nil {
		return err
	}
	if log == uuid.Nil {
		return errors.New("the log is empty: nothing is remembered")
	}
	reading, err := b.Pool(ctx)
	if err != nil {
		return err
	}
	defer reading.Close()
	v := node.Vectors{Queries: queries.New(reading), Model: model}
	feed, stop := b.Project(ctx, log)
	defer func() { err = errors.Join(err, stop()) }()
	if err := readable(ctx, b, feed); err != nil {
		return err
	}
	return e.all(ctx, b, feed, v)
}

// all embeds what has no vector of the model, or says how much that is.
func (e *Embed) all(ctx context.Context, b *node.Backends, feed *engine.Feed, v node.Vectors) error {
	found := v.Look(ctx)
	if found == nil {
		return queries.ErrUnavailable
	}
	total := found.Pending
	for _, o := range found.Others {
		total += o.Memories
	}
	if len(found.Others) > 0 {
		fmt.Println(node.OthersIn(*found))
	}
	if e.DryRun {
		fmt.Printf("%d memories would be embedded with %s\n", total, v.Model.Model())
		return nil
	}
	a := embedRun{Vectors: v, embed: reactions.NewEmbed(b.Env(), v.Model, nil, time.Now), run: node.NewID(), total: total, progress: newProgress(os.Stdout, "memories")}
	err := a.all(ctx)
	if err == nil {
		err = readable(ctx, b, feed)
	}
	fmt.Printf("%d memories embedded with %s\n", a.done, v.Model.Model())
	if err == nil && a.refused > 0 {
		return fmt.Errorf("the model refused %d memories", a.refused)
	}
	return err
}

// readable waits until all that is recorded of memories by now can be read.
func readable(ctx context.Context, b *node.Backends, feed *engine.Feed) error {
	if _, err := feed.From(ctx); err != nil {
		return err
	}
	head, err := b.Store.Head(ctx)
	if err != nil {
		return err
	}
	return node.CatchUp(ctx, feed, head, projections.GroupMemories, projections.GroupVectors)
}

// embedRun is one run over all that lacks a vector.
type embedRun struct {
	node.Vectors
	embed *reactions.Embed
	run   uuid.UUID
	total int

	mu            sync.Mutex
	progress      *progress
	done, refused int
}

// all goes through the memories by their ids: what is stored meanwhile is embedded by the server.
func (a *embedRun) all(ctx context.Context) error {
	a.progress.show(engine.Progress{Stage: "embedding", Head: events.Position(a.total)})
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(embeddedCalls)
	for after := uuid.Nil; ctx.Err() == nil; {
		page, err := a.Queries.Lacking(ctx, a.Of(), after, embeddedTogether)
		if err != nil {
			return errors.Join(err, g.Wait())
		}
		if len(page) == 0 {
			break
		}
		after = page[len(page)-1]
		g.Go(func() error { return a.page(ctx, page) })
	}
	return g.Wait()
}

// page embeds memories together and, where the model refuses them, each alone. A model that has embedded nothing yet, and
// refuses all of a page, would refuse everything.
func (a *embedRun) page(ctx context.Context, page []uuid.UUID) error {
	n, err := a.embed.Again(ctx, a.run, page)
	if !errors.Is(err, reactions.ErrRefused) {
		return a.count(n, 0, err)
	}
	n, refused, why := 0, 0, err
	for _, one := range page {
		k, err := a.embed.Again(ctx, a.run, []uuid.UUID{one})
		switch {
		case errors.Is(err, reactions.ErrRefused):
			refused++
		case err != nil:
			return a.count(n, refused, err)
		}
		n += k
	}
	if refused < len(page) {
		why = nil
	}
	return a.count(n, refused, why)
}

func (a *embedRun) count(n, refused int, err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.done, a.refused = a.done+n, a.refused+refused
	at := events.Position(a.done + a.refused)
	a.progress.show(engine.Progress{Stage: "embedding", Events: a.done, Position: at, Head: max(events.Position(a.total), at)})
	if errors.Is(err, reactions.ErrRefused) && a.done > 0 {
		return nil
	}
	return err
}
