package reactions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"

	"annals/events"
)

// Budgets of one delivery. The message time-out of the subscription must be longer than Budget.
const (
	// Budget bounds everything that is done for one delivery, repetitions included.
	Budget = 15 * time.Minute
	// giveUpBudget bounds recording that a delivery was given up.
	giveUpBudget = 30 * time.Second
	// retries is how often a model is asked again after failures, with pauses from firstRetry on, each three times as long.
	retries     = 4
	firstRetry  = time.Second
	retryFactor = 3
	// Pauses between attempts while something is unavailable.
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

// errUnreadable is a delivery that this build cannot decode.
var errUnreadable = fmt.Errorf("%w: the event cannot be read", ErrRefused)

// Deliveries is how the reactions see the persistent subscription that feeds them.
type Deliveries struct {
	Subscriber message.Subscriber
	Topic      string
	// Fact is the recorded event that a message carries.
	Fact func(*message.Message) (events.Recorded, error)
	// Park sets a message aside, with the reason, when it is negatively acknowledged next.
	Park func(*message.Message, string)
	// Budget and FirstRetry replace the constants where they are set.
	Budget     time.Duration
	FirstRetry time.Duration
	// Watch is told, where it is set, what becomes of deliveries.
	Watch Watch
}

// Watch is told what becomes of deliveries to a reaction.
type Watch interface {
	// Attempt begins to deal with a fact. What it gives is told how that ended.
	Attempt(ctx context.Context, reaction string, e events.Recorded) (context.Context, func(error))
	// Again says that another attempt follows.
	Again(reaction string)
	// Parked says that a delivery was given up.
	Parked(reaction string)
}

// Reaction deals with what is delivered to one group.
type Reaction interface {
	// Name is that of the reaction in logs.
	Name() string
	// To deals with a fact. After an error it can be called again: what was done is passed over.
	To(ctx context.Context, e events.Recorded) error
	// GiveUp records, where somebody waits for it, that To failed for good.
	GiveUp(ctx context.Context, e events.Recorded, err error) error
}

// interruptible is a reaction whose pause between two attempts may end early, with the context that watch gives.
type interruptible interface {
	watch(ctx context.Context, e events.Recorded, failed error) (watched context.Context, stop func())
}

// Run deals with what is delivered, until the context ends. What is under way then is delivered again later.
func Run(ctx context.Context, d Deliveries, r Reaction, log *slog.Logger) error {
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: giveUpBudget}, watermill.NewSlogLogger(log))
	if err != nil {
		return fmt.Errorf("router of the reactions: %w", err)
	}
	router.AddMiddleware(
		middleware.Timeout(cmp.Or(d.Budget, Budget)),
		d.givingUp(r, log),                                //nolint:contextcheck // each delivery brings its own
		d.again(r, cmp.Or(d.FirstRetry, firstRetry), log), //nolint:contextcheck // each delivery brings its own
		middleware.Recoverer,
	)
	router.AddConsumerHandler(r.Name(), d.Topic, d.Subscriber, func(msg *message.Message) error { //nolint:contextcheck // each delivery brings its own
		e, err := d.Fact(msg)
		if err != nil {
			return fmt.Errorf("%w: %w", errUnreadable, err)
		}
		return d.attempt(msg.Context(), r, e)
	})
	if err := router.Run(ctx); err != nil {
		return fmt.Errorf("reaction %s: %w", r.Name(), err)
	}
	return nil
}

func (d Deliveries) attempt(ctx context.Context, r Reaction, e events.Recorded) (err error) {
	if d.Watch == nil {
		return r.To(ctx, e)
	}
	ctx, end := d.Watch.Attempt(ctx, r.Name(), e)
	defer func() { end(err) }()
	return r.To(ctx, e)
}

// givingUp ends what a delivery that could not be dealt with has begun, and parks it with the reason. What was cut off, or
// waits for what is away, is delivered again.
func (d Deliveries) givingUp(r Reaction, log *slog.Logger) message.HandlerMiddleware {
	return func(h message.HandlerFunc) message.HandlerFunc {
		return func(msg *message.Message) ([]*message.Message, error) {
			out, err := h(msg)
			if err == nil || unavailable(err) || errors.Is(msg.Context().Err(), context.Canceled) {
				return out, err
			}
			ctx, cancel := context.WithTimeout(context.WithoutCancel(msg.Context()), giveUpBudget)
			defer cancel()
			log.ErrorContext(ctx, "giving up on an event", "reaction", r.Name(), "event", msg.UUID, "reason", reason(err), "cause", cause(err))
			if e, factErr := d.Fact(msg); factErr == nil {
				if endErr := r.GiveUp(ctx, e, err); endErr != nil {
					return out, endErr // not parked: it is delivered again
				}
			}
			d.Park(msg, reason(err))
			if d.Watch != nil {
				d.Watch.Parked(r.Name())
			}
			return out, errors.New(reason(err)) // which the router logs
		}
	}
}

// again repeats what failed: a few times when it was a model, and until the budget ends while a store or a database is
// away, which is no failure of the reaction.
func (d Deliveries) again(r Reaction, firstRetry time.Duration, log *slog.Logger) message.HandlerMiddleware {
	return func(h message.HandlerFunc) message.HandlerFunc {
		return func(msg *message.Message) ([]*message.Message, error) {
			failures, retry, outage := 0, firstRetry, firstPause
			for {
				out, err := h(msg)
				if err == nil || final(err) {
					return out, err
				}
				pause := retry
				if unavailable(err) {
					level := slog.LevelDebug
					if outage == firstPause { // once for each outage
						level = slog.LevelWarn
					}
					log.Log(msg.Context(), level, "a reaction waits for what is unavailable", "event", msg.UUID, "error", err)
					pause, outage = outage, min(2*outage, lastPause)
				} else {
					if failures++; failures > retries {
						return out, err
					}
					retry *= retryFactor
				}
				if !d.pause(msg, r, err, pause) {
					return out, err
				}
				if d.Watch != nil {
					d.Watch.Again(r.Name())
				}
			}
		}
	}
}

// pause waits before another attempt. It is false when the delivery's time is over.
func (d Deliveries) pause(msg *message.Message, r Reaction, failed error, pause time.Duration) bool {
	ctx := msg.Context()
	if i, ok := r.(interruptible); ok {
		if e, err := d.Fact(msg); err == nil {
			var stop func()
			ctx, stop = i.watch(ctx, e, failed)
			defer stop()
		}
	}
	select {
	case <-ctx.Done():
		return aborted(ctx)
	case <-time.After(pause):
		return true
	}
}
