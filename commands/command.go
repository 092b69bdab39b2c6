// Package commands is what may be asked of Annals. A command meets the state of one short stream and yields facts; its
// decision is pure: identifiers and times come with the request.
package commands

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"

	"annals/events"
)

// Request says who asks, when and why. It is made at the edge.
type Request struct {
	// ID identifies the request. Event ids derive from it, so that a repeated request is recorded once.
	ID uuid.UUID
	At time.Time
	// Actor is who authenticated: key:<name>, agent:<id>, cli or anonymous; never what a body claims.
	Actor                  string
	Correlation, Causation uuid.UUID
	// IfRevision makes the command fail with ErrStale unless the stream is at this revision (If-Match).
	IfRevision *uint64
	// Body is a keyed hash of what an Idempotency-Key came with, empty without a key.
	Body  string
	Trace string
	Hops  int
	// Repeats is where in the log the words stand that the facts repeat, 0 for facts that repeat nothing: of a person who was erased
	// since, nothing is recorded, and the command fails with events.ErrErased.
	Repeats events.Position
}

// Part returns the request for one of several things that r asks for, which what names: it has an id of its own. Where nothing led to r,
// nothing led to the part: a fact has as its cause an earlier fact, or its own request.
func (r Request) Part(what ...string) Request {
	part := r
	part.ID = events.Derive(r.ID, what...)
	if r.Causation == r.ID {
		part.Causation = part.ID
	}
	return part
}

// State is the fold of one stream. Its zero value is that of a stream without events.
type State[S any] interface {
	Apply(events.Recorded) S
}

// Command is one wish, an immutable value. A is its admission: what it has to know of other streams.
type Command[S State[S], A any] interface {
	Stream() events.StreamID
	// Admit looks at other streams, such as whether the command's channel exists. What it sees may be slightly old: this is
	// admission, not an invariant.
	Admit(context.Context, *States, S) (A, error)
	// Decide returns the facts that fulfil the command; no facts and no error mean that it is so already. It is pure.
	Decide(Request, S, A) ([]events.Event, error)
}

// Unconditional is embedded by commands that look at no other stream.
type Unconditional[S any] struct{}

// Admit implements Command.
func (Unconditional[S]) Admit(context.Context, *States, S) (Nothing, error) { return Nothing{}, nil }

// Nothing is the admission of a command that learns nothing from other streams, besides that it is admitted.
type Nothing struct{}

// beginner is a command that usually writes the first fact of its stream: Handle appends before it reads.
type beginner interface{ begins() }

// begins reports whether a command is taken to write the first fact of its stream.
func begins(cmd any, r Request) bool {
	_, is := cmd.(beginner)
	return is && r.Body == "" && r.IfRevision == nil
}

// Env is what Handle and Try need: the log, and the folds of other streams.
type Env struct {
	Store  events.Store
	States *States
	// Watch is told, where it is set, that a command begins, and may put the trace into its request; what it gives is told how
	// the command ended.
	Watch func(ctx context.Context, command string, r *Request) (context.Context, func(Result, error))

	assumed *assumptions
}

// Result tells where the wish stands in the log.
type Result struct {
	// Position is that of the last fact of the stream that the command wrote or found.
	Position events.Position
	Revision uint64
	// Changed is false when it was so already.
	Changed bool
	// At is when the request was first fulfilled: earlier than its own time when it is a repetition with a Body.
	At time.Time
}

// What a command answers besides success; errors are wrapped with the thing that they are about.
var (
	ErrNotFound = errors.New("not found")
	// ErrRefused: the wish makes no sense as it stands.
	ErrRefused = errors.New("refused")
	// ErrStale: the thing is no longer at the revision that the request names.
	ErrStale = errors.New("changed meanwhile")
	// ErrReused: the Idempotency-Key came before with another body.
	ErrReused = errors.New("the idempotency key was used for another request")
)

// attempts bounds how often Handle decides because another command wrote to the stream first. The pauses between them grow from
// firstPause to lastPause, by chance a little longer or shorter: commands that meet again and again do not stay in step.
const (
	attempts   = 10
	firstPause = 2 * time.Millisecond
	lastPause  = 500 * time.Millisecond
)

// Handle loads, decides and appends, again when somebody else was first. It fails with events.ErrConflict when that goes
// on for too long.
func Handle[S State[S], A any](ctx context.Context, env Env, r Request, cmd Command[S, A]) (Result, error) {
	return handle(ctx, env, r, cmd, nil)
}

// HandleLoaded is Handle with the command's stream as it was loaded: it reads the stream only if it was written to since.
func HandleLoaded[S State[S], A any](ctx context.Context, env Env, r Request, loaded Loaded[S], cmd Command[S, A]) (Result, error) {
	return handle(ctx, env, r, cmd, &loaded)
}

func handle[S State[S], A any](ctx context.Context, env Env, r Request, cmd Command[S, A], stream *Loaded[S]) (result Result, err error) {
	if env.Watch != nil {
		watched, end := env.Watch(ctx, nameOf(cmd), &r)
		defer func() { end(result, err) }()
		ctx = watched
	}
	if env.assumed != nil {
		return Result{}, fmt.Errorf("%s: %w: what is decided by assumed facts is not recorded", cmd.Stream(), ErrRefused)
	}
	if stream == nil && begins(cmd, r) {
		stream = &Loaded[S]{revision: events.NoStream}
	}
	once := func() (Result, error) {
		if stream == nil {
			loaded, err := loadFor[S](ctx, env, cmd.Stream(), r)
			if err != nil {
				return Result{}, backoff.Permanent(err)
			}
			stream = &loaded
		}
		result, err := attempt(ctx, env, r, cmd, *stream)
		if err != nil && !errors.Is(err, events.ErrConflict) {
			return result, backoff.Permanent(err)
		}
		stream = nil
		return result, err
	}
	pauses := &backoff.ExponentialBackOff{
		InitialInterval: firstPause, MaxInterval: lastPause, Multiplier: 2, RandomizationFactor: backoff.DefaultRandomizationFactor,
	}
	result, err = backoff.Retry(ctx, once, backoff.WithBackOff(pauses), backoff.WithMaxTries(attempts))
	if errors.Is(err, events.ErrConflict) {
		err = fmt.Errorf("%s: %w: somebody else kept writing", cmd.Stream(), events.ErrConflict)
	}
	return result, err
}

// nameOf is the name of a command's type.
func nameOf(cmd any) string { return reflect.TypeOf(cmd).Name() }

// attempt fulfils a command on a stream that nobody has written to since it was loaded.
func attempt[S State[S], A any](ctx context.Context, env Env, r Request, cmd Command[S, A], stream Loaded[S]) (Result, error) {
	if done, ok, err := stream.repeated(cmd.Stream(), r); ok || err != nil {
		return done, err
	}
	facts, err := decide(ctx, env, r, cmd, stream)
	if err != nil {
		return Result{}, err
	}
	if len(facts) == 0 {
		return Result{Position: stream.position, Revision: uint64(max(stream.revision, 0)), At: stream.at}, nil
	}
	proposed := r.propose(cmd.Stream(), stream.revision, facts)
	position, err := env.Store.Append(ctx, cmd.Stream(), stream.revision, proposed...)
	if err != nil {
		return Result{}, err
	}
	env.States.appended(cmd.Stream(), stream.revision, position, proposed)
	return Result{Position: position, Revision: uint64(int(stream.revision) + len(facts)), Changed: true, At: r.At}, nil
}

// decide returns the facts that fulfil a command whose request was not fulfilled before.
func decide[S State[S], A any](ctx context.Context, env Env, r Request, cmd Command[S, A], stream Loaded[S]) ([]events.Event, error) {
	admission, err := cmd.Admit(ctx, env.States, stream.state)
	if err != nil {
		return nil, err
	}
	facts, err := cmd.Decide(r, stream.state, admission)
	if err != nil {
		return nil, err
	}
	if r.IfRevision != nil && (stream.revision < 0 || uint64(stream.revision) != *r.IfRevision) {
		return nil, fmt.Errorf("%s: %w: at revision %d, not %d", cmd.Stream(), ErrStale, stream.revision, *r.IfRevision)
	}
	return facts, nil
}

func (r Request) propose(s events.StreamID, after events.Revision, facts []events.Event) []events.Proposed {
	meta := events.Metadata{
		Correlation: r.Correlation, Causation: r.Causation, Request: r.ID, Body: r.Body,
		Actor: r.Actor, At: r.At, Trace: r.Trace, Hops: r.Hops,
	}
	out := make([]events.Proposed, len(facts))
	for i, fact := range facts {
		id := events.Derive(r.ID, string(s), strconv.FormatInt(int64(after)+1+int64(i), 10), r.Body)
		out[i] = events.Proposed{ID: id, Event: fact, Meta: meta, Repeats: r.Repeats}
	}
	return out
}
