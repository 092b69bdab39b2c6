package embedded

import (
	"context"
	"errors"
	"slices"
	"time"
)

// group is a running persistent subscription. Its goroutine owns everything in it; others hand it functions.
type group struct {
	groupConfig
	node   *Node
	filter *filter
	feed   *feed
	turns  strategy

	do      chan func(context.Context)
	stop    chan struct{}
	stopped chan struct{}

	consumers []*consumer
	lastID    uint64

	pending []*item // read ahead from the source, in order
	retry   []*item // go first, in order
	replay  replay
	news    <-chan struct{}
	failure error // why the source cannot be read, nil when it can

	progress progress
	passed   meter
}

const (
	// fillPages is how much of a source is searched before the group looks at its consumers again.
	fillPages = 16
	// largestGap bounds how far a group runs ahead of its oldest unanswered event.
	largestGap = 1 << 20
)

// alreadyNews is ready at once.
var alreadyNews = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// tick is how often time-outs and due checkpoints are looked for while there are any.
const tick = 200 * time.Millisecond

func (n *Node) newGroup(ctx context.Context, c groupConfig) (*group, error) {
	g := &group{
		groupConfig: c, node: n, turns: newStrategy(c.Strategy), passed: meter{since: time.Now()},
		do: make(chan func(context.Context), 64), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	if c.Filter != nil {
		var err error
		if g.filter, err = newFilter(c.Filter.ByType, c.Filter.Pattern, c.Filter.Prefixes); err != nil {
			return nil, err
		}
	}
	next, err := g.resume(ctx)
	if err != nil {
		return nil, err
	}
	g.feed = &feed{node: n, stream: c.Stream, revision: int64(next) - 1}
	if c.ofAll() {
		g.feed = &feed{node: n, position: max(next, 1) - 1}
	}
	go g.run(context.WithoutCancel(ctx))
	return g, nil
}

// call runs f on the group's goroutine and waits for it; false when the group is gone.
func (g *group) call(ctx context.Context, f func(context.Context)) bool {
	done := make(chan struct{})
	if !g.post(ctx, func(ctx context.Context) { defer close(done); f(ctx) }) {
		return false
	}
	select {
	case <-done:
		return true
	case <-g.stopped:
		return false
	case <-ctx.Done():
		return false
	}
}

// post hands f to the group's goroutine, which calls it with a context of its own; false when the group is gone.
func (g *group) post(ctx context.Context, f func(context.Context)) bool {
	select {
	case g.do <- f:
		return true
	case <-g.stopped:
		return false
	case <-ctx.Done():
		return false
	}
}

// end stops the group after its checkpoint is written, whether or not ctx has ended; the connected learn the reason.
func (g *group) end(ctx context.Context, reason error) {
	g.call(context.WithoutCancel(ctx), func(context.Context) {
		for _, c := range slices.Clone(g.consumers) {
			g.drop(c, reason)
		}
	})
	close(g.stop)
	<-g.stopped
}

func (g *group) run(ctx context.Context) {
	defer close(g.stopped)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var ticks <-chan time.Time // left running while the group is busy, or it would never be due
	for {
		g.fill(ctx)
		g.dispatch()
		g.checkpointWhenDue(ctx)
		if ticks == nil && g.needsTicks() {
			ticks = time.After(tick)
		}
		select {
		case f := <-g.do:
			f(ctx)
			g.drainCalls(ctx)
		case <-g.news:
		case <-ticks:
			ticks = nil
			g.retryOverdue(ctx)
		case <-g.stop:
			g.checkpoint(ctx)
			return
		}
	}
}

// drainCalls takes what has come meanwhile, so that many acknowledgements cost one turn.
func (g *group) drainCalls(ctx context.Context) {
	for range cap(g.do) {
		select {
		case f := <-g.do:
			f(ctx)
		default:
			return
		}
	}
}

func (g *group) needsTicks() bool {
	if g.failure != nil || g.progress.pending() {
		return true
	}
	return g.TimeoutMS > 0 && slices.ContainsFunc(g.consumers, func(c *consumer) bool { return c.flying > 0 })
}

// fill reads ahead while somebody listens, and as far as the history buffer allows.
func (g *group) fill(ctx context.Context) {
	g.news = nil
	if len(g.consumers) == 0 {
		return
	}
	g.fillReplay(ctx)
	for range fillPages {
		if len(g.pending) >= int(min(g.HistoryBuffer, largestBuffer)) || len(g.progress.order) >= largestGap {
			return
		}
		page, news, err := g.feed.next(ctx)
		if g.failure = err; err != nil {
			if !errors.As(err, new(*protocolError)) {
				g.node.log.Error("persistent subscription cannot read", "group", g.name(), "error", err)
				return
			}
			g.failure = nil // the stream is deleted: nothing more will come
			return
		}
		if len(page) == 0 {
			g.news = news
			return
		}
		for _, r := range page {
			g.consider(r)
		}
	}
	g.news = alreadyNews
}

func (g *group) consider(r *record) {
	seq := uint64(r.Revision)
	if g.ofAll() {
		seq = r.Position
		if hiddenFromAll(r.Stream) || !g.filter.matches(r) {
			g.progress.passed(seq, !hiddenFromAll(r.Stream))
			return
		}
	} else if r.Revision == tombstoneRevision {
		return
	}
	g.progress.opened(seq)
	g.pending = append(g.pending, &item{record: r, seq: seq})
}
