package reactions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/cenkalti/backoff/v5"

	"annals/events"
)

const (
	// budget bounds everything that is done for one delivery of most reactions.
	budget = 15 * time.Minute
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
	// FirstRetry replaces the constant where it is set.
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

// interruptible is a reaction whose pause between two attempts may end early, with the context that watch gives.
type interruptible interface {
	watch(ctx context.Context, e events.Recorded, failed error) (watched context.Context, stop func())
}

// quiet is the logger of the router. Its lines only help to find a fault in the router itself.
func quiet(log *slog.Logger) watermill.LoggerAdapter {
	return watermill.NewSlogLoggerWithLevelMapping(log, map[slog.Level]slog.Level{slog.LevelInfo: slog.LevelDebug})
}

// Run deals with what is delivered to a declared reaction, until the context ends. What is under way then is delivered again
// later.
func Run(ctx context.Context, d Deliveries, declared Declaration, r Reaction, log *slog.Logger) error {
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: giveUpBudget}, quiet(log))
	if err != nil {
		return fmt.Errorf("router of the reactions: %w", err)
	}
	l := loop{Deliveries: d, reaction: r, name: declared.Name, log: log}
	router.AddMiddleware(
		middleware.Timeout(declared.Budget),
		l.givingUp, //nolint:contextcheck // each delivery brings its own
		l.again,    //nolint:contextcheck // each delivery brings its own
		middleware.Recoverer,
	)
	router.AddConsumerHandler(declared.Name, d.Topic, d.Subscriber, l.deal) //nolint:contextcheck // each delivery brings its own
	if w, ok := r.(worker); ok {
		working, stop := context.WithCancel(ctx)
		var work sync.WaitGroup
		work.Go(func() { w.work(working) })
		defer work.Wait()
		defer stop()
	}
	if err := router.Run(ctx); err != nil {
		return fmt.Errorf("reaction %s: %w", declared.Name, err)
	}
	return nil
}

// loop is how one reaction deals with its deliveries.
type loop struct {
	Deliveries
	reaction Reaction
	name     string
	log      *slog.Logger
}

// deal makes one attempt.
func (l loop) deal(msg *message.Message) (err error) {
	ctx := msg.Context()
	e, err := l.Fact(msg)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnreadable, err)
	}
	if l.Watch != nil {
		watched, end := l.Watch.Attempt(ctx, l.name, e)
		defer func() { end(err) }()
		ctx = watched
	}
	return l.reaction.To(ctx, e)
}

// givingUp ends what a delivery that could not be dealt with has begun, and parks it with the reason. What was cut off, or
// waits for what is away, is delivered again.
func (l loop) givingUp(h message.HandlerFunc) message.HandlerFunc {
	return func(msg *message.Message) ([]*message.Message, error) {
		out, err := h(msg)
		if err == nil || unavailable(err) || errors.Is(msg.Context().Err(), context.Canceled) {
			return out, err
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(msg.Context()), giveUpBudget)
		defer cancel()
		l.log.ErrorContext(ctx, "giving up on an event", "reaction", l.name, "event", msg.UUID, "reason", reason(err), "cause", cause(err))
		if e, factErr := l.Fact(msg); factErr == nil {
			if endErr := l.reaction.GiveUp(ctx, e, err); endErr != nil {
				return out, endErr // not parked: it is delivered again
			}
		}
		l.Park(msg, reason(err))
		if l.Watch != nil {
			l.Watch.Parked(l.name)
		}
		return out, errors.New(reason(err)) // which the router logs
	}
}

// again repeats what failed: a few times when it was a model, and until the budget ends while a store or a database is
// away, which is no failure of the reaction.
func (l loop) again(h message.HandlerFunc) message.HandlerFunc {
	return func(msg *message.Message) ([]*message.Message, error) {
		failures, outage := 0, false
		pauses, retry := newPauses(), &backoff.ExponentialBackOff{
			InitialInterval: cmp.Or(l.FirstRetry, firstRetry), MaxInterval: budget, Multiplier: retryFactor,
		}
		for {
			out, err := h(msg)
			if err == nil || final(err) {
				return out, err
			}
			next := backoff.BackOff(retry)
			if unavailable(err) {
				level := slog.LevelWarn
				if outage { // once for each outage
					level = slog.LevelDebug
				}
				l.log.Log(msg.Context(), level, "a reaction waits for what is unavailable", "event", msg.UUID, "error", err)
				next, outage = pauses, true
			} else if failures++; failures > retries {
				return out, err
			}
			if !l.pause(msg, err, next.NextBackOff()) {
				return out, err
			}
			if l.Watch != nil {
				l.Watch.Again(l.name)
			}
		}
	}
}

func newPauses() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = firstPause, lastPause
	b.Reset()
	return b
}

// pause waits before another attempt. It is false when the delivery's time is over.
func (l loop) pause(msg *message.Message, failed error, pause time.Duration) bool {
	ctx := msg.Context()
	if i, ok := l.reaction.(interruptible); ok {
		if e, err := l.Fact(msg); err == nil {
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
