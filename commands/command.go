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
	// Body is a hash of what an Idempotency-Key came with, empty without a key.
	Body  string
	Trace string
	Hops  int
}

// State is the fold of one stream. Its zero value is that of a stream without events.
type State[S any] interface {
	Apply(events.Recorded) S
}

// Command is one wish. Decide returns the facts that fulfil it; no facts and no error mean that it is so already.
type Command[S State[S]] interface {
	Stream() events.StreamID
	Decide(Request, S) ([]events.Event, error)
}

// Admitted is a command that looks at other streams before it decides, such as whether its channel exists. What it sees
// may be slightly old: this is admission, not an invariant.
type Admitted[S any] interface {
	Admit(ctx context.Context, p *States, s S) error
}

// beginner is a command that usually writes the first fact of its stream: Handle appends before it reads.
type beginner interface{ begins() }

// Env is what Handle needs: the log, and the folds of other streams.
type Env struct {
	Store  events.Store
	States *States
	// Watch is told, where it is set, that a command begins, and may put the trace into its request; what it gives is told how
	// the command ended.
	Watch func(ctx context.Context, command string, r *Request) (context.Context, func(Result, error))
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

// attempts bounds how often Handle decides anew because somebody else wrote to the stream first.
const attempts = 10

// Handle loads, decides and appends, again when somebody else was first. It fails with events.ErrConflict when that goes
// on for too long.
func Handle[S State[S]](ctx context.Context, b Env, r Request, cmd Command[S]) (Result, error) {
	return handle(ctx, b, r, cmd, nil)
}

// Loaded is a stream as it stood when it was read.
type Loaded[S State[S]] struct{ history history[S] }

// LoadStream reads a stream for a command that is handled after something slow.
func LoadStream[S State[S]](ctx context.Context, b Env, s events.StreamID) (Loaded[S], error) {
	h := history[S]{revision: events.NoStream}
	err := h.load(ctx, b.Store, s)
	return Loaded[S]{h}, err
}

// State returns what the stream folds to.
func (l Loaded[S]) State() S { return l.history.state }

// HandleLoaded is Handle with the command's stream as it was loaded: it reads the stream only if it was written to since.
func HandleLoaded[S State[S]](ctx context.Context, b Env, r Request, loaded Loaded[S], cmd Command[S]) (Result, error) {
	return handle(ctx, b, r, cmd, &loaded.history)
}

func handle[S State[S]](ctx context.Context, b Env, r Request, cmd Command[S], seen *history[S]) (result Result, err error) {
	if b.Watch != nil {
		watched, end := b.Watch(ctx, nameOf(cmd), &r)
		defer func() { end(result, err) }()
		ctx = watched
	}
	if r.ID == uuid.Nil {
		return Result{}, fmt.Errorf("%s: %w: a request without an id could not be told from another", cmd.Stream(), ErrRefused)
	}
	_, begins := cmd.(beginner)
	if seen == nil && begins && r.Body == "" && r.IfRevision == nil {
		seen = &history[S]{revision: events.NoStream}
	}
	for range attempts {
		if seen == nil {
			seen = &history[S]{revision: events.NoStream}
			if err := seen.load(ctx, b.Store, cmd.Stream()); err != nil {
				return Result{}, err
			}
		}
		if done, ok, err := seen.repeated(r); ok || err != nil {
			return done, err
		}
		result, err := decide(ctx, b, r, cmd, *seen)
		if !errors.Is(err, events.ErrConflict) {
			return result, err
		}
		seen = nil
	}
	return Result{}, fmt.Errorf("%s: %w: somebody else kept writing", cmd.Stream(), events.ErrConflict)
}

// nameOf is the name of a command's type.
func nameOf(cmd any) string {
	t := reflect.TypeOf(cmd)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

func decide[S State[S]](ctx context.Context, b Env, r Request, cmd Command[S], h history[S]) (Result, error) {
	if a, ok := cmd.(Admitted[S]); ok {
		if err := a.Admit(ctx, b.States, h.state); err != nil {
			return Result{}, err
		}
	}
	facts, err := cmd.Decide(r, h.state)
	if err != nil {
		return Result{}, err
	}
	if r.IfRevision != nil && (h.revision < 0 || uint64(h.revision) != *r.IfRevision) {
		return Result{}, fmt.Errorf("%s: %w: at revision %d, not %d", cmd.Stream(), ErrStale, h.revision, *r.IfRevision)
	}
	if len(facts) == 0 {
		return Result{Position: h.position, Revision: uint64(max(h.revision, 0)), At: h.at}, nil
	}
	proposed := r.propose(cmd.Stream(), h.revision, facts)
	position, err := b.Store.Append(ctx, cmd.Stream(), h.revision, proposed...)
	if err != nil {
		return Result{}, err
	}
	b.States.appended(cmd.Stream(), h.revision, position, proposed)
	return Result{Position: position, Revision: uint64(int(h.revision) + len(facts)), Changed: true, At: r.At}, nil
}

// Load reads a stream and returns what it folds to: the zero value for one without events.
func Load[S State[S]](ctx context.Context, b Env, s events.StreamID) (S, error) {
	loaded, err := LoadStream[S](ctx, b, s)
	return loaded.State(), err
}

// history is a stream as far as it was read.
type history[S State[S]] struct {
	state    S
	revision events.Revision
	position events.Position
	at       time.Time
	requests map[uuid.UUID]events.Recorded // the last fact of each request
}

func (h *history[S]) load(ctx context.Context, store events.Store, s events.StreamID) error {
	h.requests = map[uuid.UUID]events.Recorded{}
	for e, err := range store.Read(ctx, s, events.Forwards) {
		if err != nil {
			return err
		}
		if u, ok := e.Event.(events.Unknown); ok {
			return fmt.Errorf("%s at revision %d: %s cannot be read: %w", s, e.Revision, u.Type, u.Reason)
		}
		h.state = h.state.Apply(e)
		h.revision, h.position, h.at = events.Revision(e.Revision), e.Position, e.Meta.At
		h.requests[e.Meta.Request] = e
	}
	return nil
}

// repeated tells whether the request was fulfilled before.
func (h *history[S]) repeated(r Request) (Result, bool, error) {
	e, ok := h.requests[r.ID]
	if !ok {
		return Result{}, false, nil
	}
	if e.Meta.Body != r.Body {
		return Result{}, false, fmt.Errorf("%s: %w", e.Stream, ErrReused)
	}
	return Result{Position: e.Position, Revision: e.Revision, Changed: true, At: e.Meta.At}, true, nil
}

func (r Request) propose(s events.StreamID, after events.Revision, facts []events.Event) []events.Proposed {
	meta := events.Metadata{
		Correlation: r.Correlation, Causation: r.Causation, Request: r.ID, Body: r.Body,
		Actor: r.Actor, At: r.At, Trace: r.Trace, Hops: r.Hops,
	}
	out := make([]events.Proposed, len(facts))
	for i, fact := range facts {
		id := events.Derive(r.ID, string(s), strconv.FormatInt(int64(after)+1+int64(i), 10), r.Body)
		out[i] = events.Proposed{ID: id, Event: fact, Meta: meta}
	}
	return out
}
