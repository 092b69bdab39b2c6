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
	"github.com/google/uuid"

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
}

// Run lets agents answer what is delivered, until the context ends. What is under way then is delivered again later.
func Run(ctx context.Context, d Deliveries, r Reply, log *slog.Logger) error {
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
	router.AddConsumerHandler("reply", d.Topic, d.Subscriber, func(msg *message.Message) error { //nolint:contextcheck // each delivery brings its own
		e, err := d.Fact(msg)
		if err != nil {
			return fmt.Errorf("%w: %w", errUnreadable, err)
		}
		return r.To(msg.Context(), e)
	})
	if err := router.Run(ctx); err != nil {
		return fmt.Errorf("reactions: %w", err)
	}
	return nil
}

// givingUp ends the turns of a delivery that could not be brought to an end, and parks it with the reason. What was cut
// off, or waits for what is away, is delivered again.
func (d Deliveries) givingUp(r Reply, log *slog.Logger) message.HandlerMiddleware {
	return func(h message.HandlerFunc) message.HandlerFunc {
		return func(msg *message.Message) ([]*message.Message, error) {
			out, err := h(msg)
			if err == nil || unavailable(err) || errors.Is(msg.Context().Err(), context.Canceled) {
				return out, err
			}
			ctx, cancel := context.WithTimeout(context.WithoutCancel(msg.Context()), giveUpBudget)
			defer cancel()
			log.ErrorContext(ctx, "giving up on a message", "event", msg.UUID, "reason", reason(err), "cause", cause(err))
			if e, factErr := d.Fact(msg); factErr == nil {
				if endErr := r.GiveUp(ctx, e, err); endErr != nil {
					return out, endErr // not parked: it is delivered again
				}
			}
			d.Park(msg, reason(err))
			return out, errors.New(reason(err)) // which the router logs
		}
	}
}

// again repeats what failed: a few times when it was a model, and until the budget ends while a store or a database is
// away, which is no failure of the reaction.
func (d Deliveries) again(r Reply, firstRetry time.Duration, log *slog.Logger) message.HandlerMiddleware {
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
			}
		}
	}
}

// pause waits before another attempt, or until one of the turns that failed is aborted. It is false when the delivery's
// time is over.
func (d Deliveries) pause(msg *message.Message, r Reply, failed error, pause time.Duration) bool {
	ctx, stop := r.Aborts.watch(msg.Context(), d.owing(msg, failed)...)
	defer stop()
	select {
	case <-ctx.Done():
		return aborted(ctx)
	case <-time.After(pause):
		return true
	}
}

// owing are the turns of a delivery that have not come to an end.
func (d Deliveries) owing(msg *message.Message, failed error) (turns []uuid.UUID) {
	var agents failedTurns
	e, err := d.Fact(msg)
	if m, ok := e.Event.(events.MessageSubmitted); ok && err == nil && errors.As(failed, &agents) {
		for agent := range agents {
			turns = append(turns, events.TurnID(m.MessageID, agent))
		}
	}
	return turns
}
