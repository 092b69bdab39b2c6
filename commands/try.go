package commands

import (
	"context"

	"annals/events"
)

// Outcome is what a command that was tried would lead to.
type Outcome struct {
	// Changed is false when it is so already.
	Changed bool
	// Facts are those that would be recorded: none when the request was fulfilled before.
	Facts []events.Event
}

// Try does all that Handle does but the append, and checks that the facts may be recorded: where it fails, so would Handle. Watch
// does not learn of it. It reads the command's stream, which Handle does not for a command that begins it.
func Try[S State[S], A any](ctx context.Context, env Env, r Request, cmd Command[S, A]) (Outcome, error) {
	stream, err := loadFor[S](ctx, env, cmd.Stream(), r)
	if err != nil {
		return Outcome{}, err
	}
	return try(ctx, env, r, cmd, stream)
}

// try is Try with the command's stream as it was loaded.
func try[S State[S], A any](ctx context.Context, env Env, r Request, cmd Command[S, A], stream Loaded[S]) (Outcome, error) {
	if done, ok, err := stream.repeated(cmd.Stream(), r); ok || err != nil {
		return Outcome{Changed: done.Changed}, err
	}
	facts, err := decide(ctx, env, r, cmd, stream)
	if err != nil {
		return Outcome{}, err
	}
	for _, fact := range facts {
		if err := events.Check(fact); err != nil {
			return Outcome{}, err
		}
	}
	return Outcome{Changed: len(facts) > 0, Facts: facts}, nil
}

// HandleBoth handles a command and one that needs what the first makes. Nothing is half done: where the second would be
// refused, the first is not handled. Like Handle it takes a stream that a command begins for one that is not there.
func HandleBoth[S State[S], A any, T State[T], B any](ctx context.Context, env Env, r Request, first Command[S, A], then Command[T, B]) (Result, error) {
	made, err := tryToBegin(ctx, env, r, first)
	if err != nil {
		return Result{}, err
	}
	assuming, err := env.Assuming(first.Stream(), made.Facts...)
	if err != nil {
		return Result{}, err
	}
	if _, err := tryToBegin(ctx, assuming, r, then); err != nil {
		return Result{}, err
	}
	if _, err := Handle(ctx, env, r, first); err != nil {
		return Result{}, err
	}
	return Handle(ctx, env, r, then)
}

// tryToBegin is Try without a look at a stream that the command begins.
func tryToBegin[S State[S], A any](ctx context.Context, env Env, r Request, cmd Command[S, A]) (Outcome, error) {
	if begins(cmd, r) {
		return try(ctx, env, r, cmd, Loaded[S]{revision: events.NoStream})
	}
	return Try(ctx, env, r, cmd)
}
