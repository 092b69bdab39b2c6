package esdb

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strconv"
	"sync"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"annals/events"
)

// dispatch hands deliveries on: those of one partition one after another, so many partitions at once. The store bounds
// how many it holds by what it leaves unacknowledged.
type dispatch struct {
	ctx       context.Context //nolint:containedctx // that of the subscription, which ends every worker
	out       chan<- *message.Message
	partition func(events.Recorded) string
	turns     chan struct{}
	workers   sync.WaitGroup

	mu sync.Mutex
	// waiting holds the deliveries of each partition that has a worker, in order.
	waiting map[string][]*delivery
	held    map[uuid.UUID]*delivery
}

// delivery is one event on its way. The connection changes when the event is delivered again while it is held.
type delivery struct {
	conn  *connection
	event *esdb.ResolvedEvent
	fact  events.Recorded

	mu     sync.Mutex
	parked string // the reason, once it is to be parked
}

func newDispatch(ctx context.Context, o SubscriberOptions, out chan<- *message.Message) *dispatch {
	return &dispatch{
		ctx: ctx, out: out, partition: o.Partition, turns: make(chan struct{}, max(o.Concurrency, 1)),
		waiting: map[string][]*delivery{}, held: map[uuid.UUID]*delivery{},
	}
}

// add takes a delivery in. One that is held already is acknowledged over the newer connection.
func (d *dispatch) add(n *delivery) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if held, ok := d.held[n.fact.ID]; ok {
		held.conn, held.event = n.conn, n.event
		return
	}
	d.held[n.fact.ID] = n
	key := ""
	if d.partition != nil {
		key = d.partition(n.fact)
	}
	list, working := d.waiting[key]
	d.waiting[key] = append(list, n)
	if !working {
		d.workers.Go(func() { d.work(key) })
	}
}

// work handles one partition until nothing waits in it.
func (d *dispatch) work(key string) {
	for {
		d.mu.Lock()
		list := d.waiting[key]
		if len(list) == 0 {
			delete(d.waiting, key)
			d.mu.Unlock()
			return
		}
		next := list[0]
		d.waiting[key] = list[1:]
		d.mu.Unlock()
		select {
		case d.turns <- struct{}{}:
		case <-d.ctx.Done():
			return
		}
		ok := d.hand(next)
		<-d.turns
		if !ok {
			return
		}
	}
}

// hand passes one delivery on and settles it. It tells false when the subscription ended first.
func (d *dispatch) hand(n *delivery) bool {
	ctx, cancel := context.WithCancel(context.WithValue(d.ctx, deliveryKey{}, n))
	defer cancel()
	msg := n.message()
	msg.SetContext(ctx)
	select {
	case d.out <- msg:
	case <-d.ctx.Done():
		return false
	}
	select {
	case <-msg.Acked():
		d.settle(n, func(c *connection, e *esdb.ResolvedEvent) error { return c.ack(e) })
	case <-msg.Nacked():
		if d.ctx.Err() != nil {
			return false // cut off, not refused: it is delivered again
		}
		action := esdb.NackActionRetry
		reason := n.reason()
		if reason != "" {
			action = esdb.NackActionPark
		}
		d.settle(n, func(c *connection, e *esdb.ResolvedEvent) error { return c.nack(e, action, reason) })
	case <-d.ctx.Done():
		return false
	}
	return true
}

// settle tells the store over the connection that delivered last. If that is gone, the event is delivered again.
func (d *dispatch) settle(n *delivery, tell func(*connection, *esdb.ResolvedEvent) error) {
	d.mu.Lock()
	delete(d.held, n.fact.ID)
	conn, event := n.conn, n.event
	d.mu.Unlock()
	_ = tell(conn, event)
}

func (n *delivery) message() *message.Message {
	e := n.event.OriginalEvent()
	var as published
	_ = json.Unmarshal(e.UserMetadata, &as) // of events that were not published as messages there is nothing
	if as.UUID == "" {
		as.UUID = e.EventID.String()
	}
	msg := message.NewMessage(as.UUID, e.Data)
	maps.Copy(msg.Metadata, as.Metadata)
	msg.Metadata.Set(metadataStream, e.StreamID)
	msg.Metadata.Set(metadataType, e.EventType)
	msg.Metadata.Set(metadataRevision, strconv.FormatUint(e.EventNumber, 10))
	msg.Metadata.Set(metadataPosition, strconv.FormatUint(e.Position.Commit, 10))
	return msg
}

func (n *delivery) reason() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.parked
}

type deliveryKey struct{}

func deliveryOf(msg *message.Message) *delivery {
	n, _ := msg.Context().Value(deliveryKey{}).(*delivery)
	return n
}

// Delivery is the recorded event that a message of a Subscriber carries.
func Delivery(msg *message.Message) (events.Recorded, error) {
	n := deliveryOf(msg)
	if n == nil {
		return events.Recorded{}, errors.New("the message is no delivery of this store")
	}
	if u, ok := n.fact.Event.(events.Unknown); ok {
		return n.fact, u.Reason
	}
	return n.fact, nil
}

// Park sets the event of a message aside when the message is negatively acknowledged; otherwise it is delivered again.
func Park(msg *message.Message, reason string) {
	if n := deliveryOf(msg); n != nil {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.parked = reason
	}
}
