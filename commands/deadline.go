package commands

import (
	"context"
	"errors"
	"fmt"

	"annals/events"
)

// Due is a deadline that has come.
type Due struct {
	events.Deadline

	// Session is the session whose deadline it is, where the read models know it: its stream need not be read then.
	Session *KnownSession
}

// KnownSession is a session as it is at a revision of its stream. Where the log has gone on since, that is found out when its end is to
// be recorded.
type KnownSession struct {
	events.SessionState

	Revision events.Revision
}

func (k KnownSession) loaded() Loaded[Session] {
	return Loaded[Session]{state: sessionIn(k.SessionState, false), revision: k.Revision}
}

// timed are the commands that end something when it is due, by the names that deadlines have for them.
var timed = map[string]func(context.Context, Env, Request, Due) (Result, error){
	events.ExpireSession: func(ctx context.Context, env Env, r Request, d Due) (Result, error) {
		if d.Session != nil {
			return HandleLoaded(ctx, env, r, d.Session.loaded(), ExpireSession{SessionID: d.ID})
		}
		return Handle(ctx, env, r, ExpireSession{SessionID: d.ID})
	},
	events.TimeOutJob: func(ctx context.Context, env Env, r Request, d Due) (Result, error) {
		return Handle(ctx, env, r, TimeOutJob{JobID: d.ID})
	},
}

// End handles the command of a deadline at the time of the request. It changes nothing where the thing has ended, or has another
// deadline by now.
func End(ctx context.Context, env Env, r Request, d Due) (Result, error) {
	handle, ok := timed[d.Command]
	if !ok {
		return Result{}, fmt.Errorf("deadline of %s: %w: there is no command %q", d.ID, ErrRefused, d.Command)
	}
	done, err := handle(ctx, env, r, d)
	if errors.Is(err, ErrEarly) {
		err = nil
	}
	return done, err
}
