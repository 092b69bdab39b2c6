package reactions

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"annals/commands"
	"annals/events"
)

const (
	// embeddedAtOnce bounds the memories that wait for the model at the same time: enough for a call to be full while two are
	// under way. Where the model computes in this process, fewer leave the machine to clients that wait for answers.
	embeddedAtOnce     = 192
	embeddedHereAtOnce = 16
)

var embedding = Declaration{
	Name:      "embed",
	Types:     []string{events.MemoryStored{}.EventType(), events.MemoryUpdated{}.EventType()},
	Partition: func(e events.Recorded) string { return string(e.Stream) },
	AtOnce: func(p Ports) int {
		if p.EmbedsHere {
			return embeddedHereAtOnce
		}
		return embeddedAtOnce
	},
	Budget: budget,
	Make:   func(p Ports) Reaction { return NewEmbed(p.Env, p.Embedder, p.Repeats, p.Now) },
}

// Embed gives what agents remember its vector, each text once. It is made by NewEmbed.
type Embed struct {
	env     commands.Env
	model   *batching
	repeats Repeats
	recent  recentVectors
	now     func() time.Time
}

// NewEmbed lets the texts of many deliveries go into one call of the model. With repeats of nil it looks for no repetitions.
func NewEmbed(env commands.Env, model Embedder, repeats Repeats, now func() time.Time) *Embed {
	return &Embed{env: env, model: newBatching(model), repeats: repeats, now: now}
}

// work calls the model for the deliveries until the context ends.
func (r *Embed) work(ctx context.Context) { r.model.work(ctx) }

// To implements Reaction: the text that the memory has now gets a vector, unless it has one. A memory that is gone, or says
// nothing, needs none.
func (r *Embed) To(ctx context.Context, e events.Recorded) error {
	id := e.Stream.Subject()
	loaded, err := commands.LoadStream[commands.Vector](ctx, r.env, events.MemoryStream(id))
	v := loaded.State()
	if err != nil || !r.lacks(v) {
		return err
	}
	vector, err := r.model.vector(ctx, v.Text)
	if err != nil {
		return modelFailure{err}
	}
	repeatOf, err := r.repeated(ctx, id, v, vector)
	if err != nil {
		return err
	}
	return r.record(ctx, id, loaded, vector, repeatOf, commands.Request{
		ID: events.Derive(e.ID, "embed", r.model.Model()), At: r.now(), Actor: "agent:" + v.AgentID.String(),
		Correlation: e.Meta.Correlation, Causation: e.ID, Trace: e.Meta.Trace, Hops: e.Meta.Hops,
	})
}

// GiveUp implements Reaction. Nobody waits for a vector; Again makes those that are missing.
func (*Embed) GiveUp(context.Context, events.Recorded, error) error { return nil }

// recordFor bounds how long a run that ends goes on recording the vectors that it has.
const recordFor = 10 * time.Second

// Again embeds those of the memories that have no vector of the model, as one run of the command line, and tells how many it
// has embedded, also beside an error, after which it may be repeated.
func (r *Embed) Again(ctx context.Context, run uuid.UUID, memories []uuid.UUID) (embedded int, err error) {
	loaded := make([]commands.Loaded[commands.Vector], len(memories))
	err = each(ctx, len(memories), func(ctx context.Context, i int) (err error) {
		loaded[i], err = commands.LoadStream[commands.Vector](ctx, r.env, events.MemoryStream(memories[i]))
		return err
	})
	if err != nil {
		return 0, err
	}
	var (
		lacking []int
		texts   []string
	)
	for i := range loaded {
		if v := loaded[i].State(); r.lacks(v) {
			lacking, texts = append(lacking, i), append(texts, v.Text)
		}
	}
	if len(lacking) == 0 {
		return 0, nil
	}
	vectors, err := r.model.embed(ctx, texts)
	if err != nil {
		return 0, err
	}
	// What the model was paid for is recorded, also when the run ends meanwhile.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordFor)
	defer cancel()
	var recorded atomic.Int64
	err = each(ctx, len(lacking), func(ctx context.Context, k int) error {
		id := memories[lacking[k]]
		request := commands.Request{ID: run, At: r.now(), Actor: "cli", Correlation: run, Causation: run}
		err := r.record(ctx, id, loaded[lacking[k]], vectors[k], uuid.Nil, request.Part(id.String()))
		if err == nil {
			recorded.Add(1)
		}
		return err
	})
	return int(recorded.Load()), err
}

// each does something n times, many of it at once, until one fails.
func each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(batchTexts)
	for i := range n {
		g.Go(func() error { return do(ctx, i) })
	}
	return g.Wait()
}

// lacks tells whether a memory says something that the model has yet to embed.
func (r *Embed) lacks(v commands.Vector) bool {
	return v.Exists && strings.TrimSpace(v.Text) != "" && !v.Has(r.model.Model(), r.model.Dimensions())
}

// record keeps the vector of the text that was loaded, and which memory it repeats. A model whose vectors cannot be searched is asked
// no more: the next would be alike.
func (r *Embed) record(
	ctx context.Context, memory uuid.UUID, loaded commands.Loaded[commands.Vector], vector []float32, repeatOf uuid.UUID,
	request commands.Request,
) error {
	cmd := commands.EmbedMemory{MemoryID: memory, Model: r.model.Model(), Text: loaded.State().Text, Vector: vector, RepeatOf: repeatOf}
	request.Repeats = loaded.Position()
	_, err := commands.HandleLoaded(ctx, r.env, request, loaded, cmd)
	if errors.Is(err, events.ErrErased) { // while the model was asked
		return nil
	}
	if errors.Is(err, events.ErrInvalid) {
		err = modelFailure{fmt.Errorf("%w: %s: %w", ErrRefused, cmd.Model, err)}
	}
	return err
}
