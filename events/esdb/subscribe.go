package esdb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strings"
	"sync"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"annals/events"
)

// ahead is how many events of a subscription are received before they are asked for.
const ahead = 1024

// Subscribe implements events.Store.
func (s *Store) Subscribe(ctx context.Context, after events.Position, f events.Filter) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		sub := &subscription{Store: s, filter: f, at: after, yield: yield}
		pauses := newPauses()
		for ctx.Err() == nil && !sub.enough {
			before := sub.at
			err := sub.follow(ctx)
			if ctx.Err() != nil || sub.enough {
				return
			}
			if sub.at != before {
				pauses.Reset()
				sub.told = false
			}
			if !sub.told { // once for each outage
				sub.told = true
				if !yield(events.Recorded{}, fmt.Errorf("subscription after %d: %w", sub.at, err)) {
					return
				}
			}
			if errors.Is(err, errClosed) {
				return
			}
			sleep(ctx, pauses.NextBackOff())
		}
	}
}

// subscription is one caller's, over all the connections that it takes.
type subscription struct {
	*Store
	filter events.Filter
	at     events.Position // everything up to here was yielded or did not fit
	yield  func(events.Recorded, error) bool
	enough bool // the caller left the loop
	told   bool
}

// follow subscribes once, and returns when the subscription is dropped or the caller has enough.
func (s *subscription) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	inner, err := open(ctx, s.supervisor, func(ctx context.Context, c *esdb.Client) (*esdb.Subscription, error) {
		return c.SubscribeToAll(ctx, s.options())
	})
	if err != nil {
		return err
	}
	received := make(chan *esdb.SubscriptionEvent, ahead)
	var receiving sync.WaitGroup
	receiving.Go(func() { receive(ctx, inner, received) })
	defer receiving.Wait()
	defer cancel() // before the wait
	for e := range received {
		switch {
		case e.SubscriptionDropped != nil:
			return fmt.Errorf("%w: %w", events.ErrUnavailable, e.SubscriptionDropped.Error)
		case e.CheckPointReached != nil:
			s.at = max(s.at, events.Position(e.CheckPointReached.Commit))
		case e.EventAppeared != nil:
			if err := s.pass(ctx, e.EventAppeared.OriginalEvent()); err != nil {
				return err
			}
		}
		if s.enough {
			return nil
		}
	}
	return errors.New("the subscription ended")
}

// pass yields one event.
func (s *subscription) pass(ctx context.Context, e *esdb.RecordedEvent) error {
	if position(e) <= s.at {
		return nil
	}
	r, err := s.codec.Decode(ctx, raw(e))
	if err != nil {
		return fmt.Errorf("%w: %w", events.ErrUnavailable, err)
	}
	s.supervisor.marks.see(e)
	s.enough = !s.yield(r, nil)
	s.at = position(e)
	s.told = false
	return nil
}

// receive passes on what comes until the subscription is dropped, of which it tells last.
func receive(ctx context.Context, inner *esdb.Subscription, to chan<- *esdb.SubscriptionEvent) {
	defer close(to)
	defer func() { _ = inner.Close() }()
	for {
		e := recv(inner)
		select {
		case to <- e:
		case <-ctx.Done():
			return
		}
		if e.SubscriptionDropped != nil {
			return
		}
	}
}

// recv turns a panic of the client into a drop.
func recv(inner *esdb.Subscription) (e *esdb.SubscriptionEvent) {
	defer func() {
		if r := recover(); r != nil {
			e = &esdb.SubscriptionEvent{SubscriptionDropped: &esdb.SubscriptionDropped{Error: fmt.Errorf("the client gave up: %v", r)}}
		}
	}()
	return inner.Recv()
}

func (s *subscription) options() esdb.SubscribeToAllOptions {
	o := esdb.SubscribeToAllOptions{From: esdb.Start{}, Filter: serverFilter(s.filter)}
	if s.at > 0 {
		o.From = esdb.Position{Commit: uint64(s.at), Prepare: uint64(s.at)}
	}
	return o
}

// serverFilter is the filter as the store applies it to subscriptions.
func serverFilter(f events.Filter) *esdb.SubscriptionFilter {
	switch {
	case len(f.Types) > 0:
		quoted := make([]string, len(f.Types))
		for i, t := range f.Types {
			quoted[i] = regexp.QuoteMeta(t)
		}
		return &esdb.SubscriptionFilter{Type: esdb.EventFilterType, Regex: "^(" + strings.Join(quoted, "|") + ")$"}
	case len(f.Streams) > 0:
		return &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: f.Streams}
	}
	return &esdb.SubscriptionFilter{Type: esdb.EventFilterType, Regex: `^[^\$]`}
}
