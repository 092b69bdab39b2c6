package reactions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/google/uuid"

	"annals/events"
)

// modelFailure is an error of a model. It tells the kind of failure and what the adapter explains of it, for it is recorded for
// ever and shown: what the model says of it may repeat what was said to it.
type modelFailure struct{ cause error }

func (f modelFailure) Error() string {
	kind := "the model failed"
	switch {
	case errors.Is(f.cause, ErrRefused):
		kind = "the model refused"
	case errors.Is(f.cause, context.DeadlineExceeded):
		kind = "the model did not answer in time"
	}
	var explained Explained
	if errors.As(f.cause, &explained) {
		kind += ": " + explained.Explanation()
	}
	return kind
}

func (f modelFailure) Unwrap() error { return f.cause }

// failedTurns says of each agent that still owes an answer why.
type failedTurns map[uuid.UUID]error

func (f failedTurns) Error() string {
	lines := make([]string, 0, len(f))
	for agent, err := range f {
		lines = append(lines, fmt.Sprintf("agent %s: %s", agent, err))
	}
	slices.Sort(lines)
	return strings.Join(lines, "; ")
}

func (f failedTurns) Unwrap() []error {
	var all []error
	for _, err := range f {
		all = append(all, err)
	}
	return all
}

// final tells whether another attempt would end like this one.
func final(err error) bool {
	var turns failedTurns
	if !errors.As(err, &turns) {
		return errors.Is(err, ErrRefused)
	}
	for _, err := range turns {
		if !errors.Is(err, ErrRefused) {
			return false
		}
	}
	return true
}

// errBehind: the read models are away, or behind. Trying again may help.
var errBehind = errors.New("the read models are unavailable")

// unavailable tells whether the store or the read models are away, or the store is full, and nothing else is wrong.
func unavailable(err error) bool {
	var model modelFailure
	away := errors.Is(err, events.ErrUnavailable) || errors.Is(err, events.ErrFull) || errors.Is(err, errBehind) ||
		errors.Is(err, events.ErrKeysUnreachable) || errors.Is(err, events.ErrKeysLost)
	return away && !errors.As(err, &model)
}

// reason is what is recorded of a failure: nothing of what was said, nor of what anybody else wrote into an error.
func reason(err error) string {
	var (
		turns failedTurns
		model modelFailure
	)
	switch {
	case errors.As(err, &turns):
		told := failedTurns{}
		for agent, err := range turns {
			told[agent] = errors.New(reason(err))
		}
		return told.Error()
	case errors.As(err, &model):
		return model.Error()
	case errors.Is(err, errUnreadable):
		return errUnreadable.Error()
	case errors.Is(err, errBehind):
		return errBehind.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "there was no answer in time"
	}
	return "the answer failed"
}

// cause is what an operator gets to see of a failure in the log.
func cause(err error) string {
	var (
		panicked middleware.RecoveredPanicError
		model    modelFailure
	)
	switch {
	case errors.As(err, &panicked):
		return fmt.Sprintf("panic with a %T\n%s", panicked.V, panicked.Stacktrace)
	case errors.As(err, &model):
		return model.cause.Error()
	}
	return err.Error()
}
