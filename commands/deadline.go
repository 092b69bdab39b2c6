package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"annals/events"
)

// timed are the commands that end something when it is due, by the names that deadlines have for them.
var timed = map[string]func(context.Context, Env, Request, uuid.UUID) (Result, error){
	events.ExpireSession: func(ctx context.Context, env Env, r Request, id uuid.UUID) (Result, error) {
		return Handle(ctx, env, r, ExpireSession{SessionID: id})
	},
	events.TimeOutJob: func(ctx context.Context, env Env, r Request, id uuid.UUID) (Result, error) {
		return Handle(ctx, env, r, TimeOutJob{JobID: id})
	},
}

// End handles the command of a deadline at the time of the request. It changes nothing where the thing has ended, or has another
// deadline by now.
func End(ctx context.Context, env Env, r Request, d events.Deadline) (Result, error) {
	handle, ok := timed[d.Command]
	if !ok {
		return Result{}, fmt.Errorf("deadline of %s: %w: there is no command %q", d.ID, ErrRefused, d.Command)
	}
	done, err := handle(ctx, env, r, d.ID)
	if errors.Is(err, ErrEarly) {
		err = nil
	}
	return done, err
}
