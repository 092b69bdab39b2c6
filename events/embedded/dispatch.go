package embedded

import (
	"context"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/google/uuid"
)

// dispatch hands out what it can: retries first, then what is replayed, then what is new.
func (g *group) dispatch() {
	if len(g.consumers) == 0 {
		return
	}
	for _, queue := range []*[]*item{&g.retry, &g.replay.items, &g.pending} {
		*queue = g.dispatchQueue(*queue)
	}
}

func (g *group) dispatchQueue(queue []*item) []*item {
	for i, it := range queue {
		c := g.turns.pick(g.consumers, it)
		if c == nil {
			if g.turns.holdsBack() {
				return queue[i:]
			}
			return g.dispatchRest(queue[i:])
		}
		g.hand(c, it)
	}
	return nil
}

// dispatchRest passes over items that their owner has no room for.
func (g *group) dispatchRest(queue []*item) (kept []*item) {
	for _, it := range queue {
		if c := g.turns.pick(g.consumers, it); c != nil {
			g.hand(c, it)
		} else {
			kept = append(kept, it)
		}
	}
	return kept
}

func (g *group) hand(c *consumer, it *item) {
	g.passed.total++
	c.push(it, g.timeout())
}

// connect adds a consumer unless there are as many as there may be.
func (g *group) connect(c *consumer) error {
	if g.MaxSubscribers > 0 && len(g.consumers) >= int(g.MaxSubscribers) {
		return errGroupFull(g.Stream, g.Group)
	}
	g.lastID++
	c.id = g.lastID
	g.consumers = append(g.consumers, c)
	return nil
}

// drop removes a consumer; what it has not answered goes to others, ahead of everything new.
func (g *group) drop(c *consumer, reason error) {
	i := slices.Index(g.consumers, c)
	if i < 0 {
		return
	}
	g.consumers = slices.Delete(g.consumers, i, i+1)
	for _, it := range c.abandon() {
		g.again(it)
	}
	c.reason = reason
	close(c.dropped)
}

// again queues an item for retry, in the order of the source.
func (g *group) again(it *item) {
	// A copy: the consumer that lost it may still be sending the old one.
	retried := *it
	retried.retries++
	i := sort.Search(len(g.retry), func(i int) bool { return g.retry[i].seq > it.seq })
	g.retry = slices.Insert(g.retry, i, &retried)
}

func (g *group) ack(ctx context.Context, c *consumer, ids []uuid.UUID) {
	for _, id := range ids {
		if it := c.take(id); it != nil {
			g.done(ctx, it)
		}
	}
}

// done counts an item as dealt with, for the checkpoint or for the replay.
func (g *group) done(ctx context.Context, it *item) {
	if it.parked > 0 {
		g.replay.open--
		g.finishReplay(ctx)
		return
	}
	g.progress.closed(it.seq)
}

func (g *group) nack(ctx context.Context, c *consumer, ids []uuid.UUID, action persistent.ReadReq_Nack_Action, reason string) {
	if action == persistent.ReadReq_Nack_Stop {
		return
	}
	for _, id := range ids {
		it := c.take(id)
		if it == nil {
			continue
		}
		switch action {
		case persistent.ReadReq_Nack_Park:
			g.park(ctx, it, reason)
		case persistent.ReadReq_Nack_Skip:
			g.done(ctx, it)
		default:
			g.retryOrPark(ctx, it, reason)
		}
	}
}

func (g *group) retryOrPark(ctx context.Context, it *item, reason string) {
	if it.retries >= g.MaxRetries {
		g.park(ctx, it, "retried "+strconv.Itoa(int(g.MaxRetries))+" times: "+reason)
		return
	}
	g.again(it)
}

func (g *group) retryOverdue(ctx context.Context) {
	now := time.Now()
	for _, c := range g.consumers {
		for _, it := range c.overdue(now) {
			g.retryOrPark(ctx, it, "no answer in time")
		}
	}
}
