package reactions

import (
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
	retries      = 4
	// Pauses between attempts while something is unavailable.
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

// Deliveries is how the reactions see the persistent subscription that feeds them.
type Deliveries struct {
	Subscriber message.Subscriber
	Topic      string
	// Fact is the recorded event that a message carries.
	Fact func(*message.Message) (events.Recorded, error)
	// Park sets a message aside, with the reason, when it is negatively acknowledged next.
	Park func(*message.Message, string)
}

// Run lets agents answer what is delivered, until the context ends. What is under way then is delivered again later.
func Run(ctx context.Context, d Deliveries, r Reply, log *slog.Logger) error {
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: giveUpBudget}, watermill.NewSlogLogger(log))
	if err != nil {
		return fmt.Errorf("router of the reactions: %w", err)
	}
	router.AddMiddleware(
		middleware.Timeout(Budget),
		d.givingUp(r, log), //nolint:contextcheck // each delivery brings its own
		middleware.Retry{
			MaxRetries: retries, InitialInterval: time.Second, MaxInterval: 30 * time.Second, Multiplier: 3,
			ShouldRetry: func(p middleware.RetryParams) bool { return !errors.Is(p.Err, ErrRefused) },
		}.Middleware,
		whileUnavailable(log), //nolint:contextcheck // each delivery brings its own
		middleware.Recoverer,
	)
	router.AddConsumerHandler("reply", d.Topic, d.Subscriber, func(msg *message.Message) error { //nolint:contextcheck // each delivery brings its own
		e, err := d.Fact(msg)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrRefused, err)
		}
		return r.To(msg.Context(), e)
	})
	if err := router.Run(ctx); err != nil {
		return fmt.Errorf("reactions: %w", err)
	}
	return nil
}

// givingUp ends the turns of a delivery that could not be brought to an end, and parks it with the reason.
func (d Deliveries) givingUp(r Reply, log *slog.Logger) message.HandlerMiddleware {
	return func(h message.HandlerFunc) message.HandlerFunc {
		return func(msg *message.Message) ([]*message.Message, error) {
			out, err := h(msg)
			if err == nil || errors.Is(err, context.Canceled) {
				return out, err
			}
			ctx, cancel := context.WithTimeout(context.WithoutCancel(msg.Context()), giveUpBudget)
			defer cancel()
			log.ErrorContext(ctx, "giving up on a message", "event", msg.UUID, "error", err)
			if e, factErr := d.Fact(msg); factErr == nil {
				if endErr := r.GiveUp(ctx, e, err); endErr != nil {
					return out, errors.Join(err, endErr) // not parked: it is delivered again
				}
			}
			d.Park(msg, err.Error())
			return out, err
		}
	}
}

// whileUnavailable waits for a store or a database that is away; that is no failure of the reaction.
func whileUnavailable(log *slog.Logger) message.HandlerMiddleware {
	return func(h message.HandlerFunc) message.HandlerFunc {
		return func(msg *message.Message) ([]*message.Message, error) {
			for pause := firstPause; ; pause = min(2*pause, lastPause) {
				out, err := h(msg)
				if !errors.Is(err, events.ErrUnavailable) {
					return out, err
				}
				level := slog.LevelDebug
				if pause == firstPause { // once for each outage
					level = slog.LevelWarn
				}
				log.Log(msg.Context(), level, "a reaction waits for what is unavailable", "event", msg.UUID, "error", err)
				select {
				case <-msg.Context().Done():
					return nil, context.Cause(msg.Context())
				case <-time.After(pause):
				}
			}
		}
	}
}
