package esdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/ThreeDotsLabs/watermill/message"

	"annals/events"
)

const (
	// unacknowledged bounds the deliveries that are waiting or handled at a time.
	unacknowledged = 1024
	// redeliveries is how often the store delivers what nobody acknowledged, before it parks it by itself.
	redeliveries = 1000
)

// SubscriberOptions of NewSubscriber.
type SubscriberOptions struct {
	// Group names the persistent subscription. It is made when it is missing, from the first event on.
	Group string
	// Types are the events that are delivered, out of the whole log. None: the topic is the stream that is delivered.
	Types []string
	// Partition tells which deliveries are handled one after another, in order. Nil: all.
	Partition func(events.Recorded) string
	// Concurrency bounds the partitions that are handled at once.
	Concurrency int
	// MessageTimeout is when the store delivers again what was not acknowledged.
	MessageTimeout time.Duration
	Logger         *slog.Logger
}

// Subscriber implements Watermill's message.Subscriber over a persistent subscription. It reconnects by itself, for ever;
// what was not acknowledged is delivered again. A message's UUID is the event's id, its payload the recorded data.
type Subscriber struct {
	store *Store
	o     SubscriberOptions

	mu     sync.Mutex
	cancel []context.CancelFunc
	closed bool
	work   sync.WaitGroup
}

var _ message.Subscriber = (*Subscriber)(nil)

// NewSubscriber does nothing before Subscribe.
func NewSubscriber(s *Store, o SubscriberOptions) *Subscriber { return &Subscriber{store: s, o: o} }

// Subscribe implements message.Subscriber. The topic says nothing where SubscriberOptions.Types are set.
func (s *Subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.New("the subscriber was closed")
	}
	ctx, cancel := context.WithCancel(ctx)
	s.cancel = append(s.cancel, cancel)
	out := make(chan *message.Message)
	d := newDispatch(ctx, s.o, out)
	s.work.Go(func() {
		defer close(out)
		defer d.workers.Wait()
		defer cancel()
		s.run(ctx, topic, d)
	})
	return out, nil
}

// Close implements message.Subscriber. What is being handled is delivered again later.
func (s *Subscriber) Close() error {
	s.mu.Lock()
	s.closed = true
	for _, cancel := range s.cancel {
		cancel()
	}
	s.mu.Unlock()
	s.work.Wait()
	return nil
}

func (s *Subscriber) run(ctx context.Context, topic string, d *dispatch) {
	pauses := newPauses()
	var said time.Time // that it is dropped: once, and then now and again while it lasts
	for ctx.Err() == nil {
		var opened time.Time
		err := s.connect(ctx, topic, d, func() { opened = time.Now() })
		if ctx.Err() != nil {
			return
		}
		if !opened.IsZero() && time.Since(opened) > lastPause {
			pauses.Reset()
			said = time.Time{}
		}
		if time.Since(said) > sayEvery {
			said = time.Now()
			s.o.Logger.WarnContext(ctx, "persistent subscription dropped, trying again", "group", s.o.Group, "error", err)
		}
		sleep(ctx, pauses.NextBackOff())
	}
}

// connect takes deliveries until the subscription is dropped. It calls opened once there may be some.
func (s *Subscriber) connect(ctx context.Context, topic string, d *dispatch, opened func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := s.ensureGroup(ctx, topic); err != nil {
		return err
	}
	inner, err := open(ctx, s.store.supervisor, func(ctx context.Context, c *esdb.Client) (*esdb.PersistentSubscription, error) {
		o := esdb.SubscribeToPersistentSubscriptionOptions{BufferSize: unacknowledged}
		if len(s.o.Types) == 0 {
			return c.SubscribeToPersistentSubscription(ctx, topic, s.o.Group, o)
		}
		return c.SubscribeToPersistentSubscriptionToAll(ctx, s.o.Group, o)
	})
	if err != nil {
		return err
	}
	opened()
	conn := &connection{inner: inner}
	defer conn.close()
	defer cancel() // before: nobody is left sending
	for {
		e := conn.recv()
		switch {
		case e.SubscriptionDropped != nil:
			return e.SubscriptionDropped.Error
		case e.EventAppeared != nil:
			if err := s.deliver(ctx, d, conn, e.EventAppeared); err != nil {
				return err
			}
		}
	}
}

func (s *Subscriber) deliver(ctx context.Context, d *dispatch, conn *connection, e *esdb.EventAppeared) error {
	fact, err := s.store.codec.Decode(ctx, raw(e.Event.OriginalEvent()))
	if err != nil {
		return err // the keys are away: it is delivered again
	}
	d.add(&delivery{conn: conn, event: e.Event, fact: fact}) //nolint:contextcheck // its worker outlives this connection
	return nil
}

// ensureGroup makes the group when it is missing.
func (s *Subscriber) ensureGroup(ctx context.Context, topic string) error {
	settings := esdb.SubscriptionSettingsDefault()
	settings.MessageTimeout = int32(s.o.MessageTimeout.Milliseconds()) //nolint:gosec // minutes
	settings.MaxRetryCount = redeliveries
	settings.LiveBufferSize = 2 * unacknowledged
	settings.HistoryBufferSize = 2 * unacknowledged
	settings.ReadBatchSize = unacknowledged / 4
	_, err := persist(ctx, s.store.supervisor, func(ctx context.Context, c *esdb.Client) (struct{}, error) {
		if len(s.o.Types) == 0 {
			return struct{}{}, c.CreatePersistentSubscription(ctx, topic, s.o.Group, esdb.PersistentStreamSubscriptionOptions{
				Settings: &settings, StartFrom: esdb.Start{},
			})
		}
		return struct{}{}, c.CreatePersistentSubscriptionToAll(ctx, s.o.Group, esdb.PersistentAllSubscriptionOptions{
			Settings: &settings, StartFrom: esdb.Start{}, Filter: serverFilter(events.Filter{Types: s.o.Types}),
		})
	})
	if err != nil && !errors.Is(err, errExists) {
		return fmt.Errorf("group %s: %w", s.o.Group, err)
	}
	return nil
}

// connection is one life of the subscription. The client allows one sender at a time.
type connection struct {
	inner *esdb.PersistentSubscription
	mu    sync.Mutex
}

// recv turns a panic of the client into a drop.
func (c *connection) recv() (e *esdb.PersistentSubscriptionEvent) {
	defer func() {
		if r := recover(); r != nil {
			e = &esdb.PersistentSubscriptionEvent{SubscriptionDropped: &esdb.SubscriptionDropped{Error: fmt.Errorf("the client gave up: %v", r)}}
		}
	}()
	return c.inner.Recv()
}

func (c *connection) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.inner.Close()
}

func (c *connection) ack(e *esdb.ResolvedEvent) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inner.Ack(e)
}

func (c *connection) nack(e *esdb.ResolvedEvent, action esdb.NackAction, reason string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inner.Nack(reason, action, e)
}
