package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// ErrBehind: a group of projections stands still, because PostgreSQL is away or because of a fact that it cannot take.
// Waiting is of no use now.
var ErrBehind = errors.New("the read models stand still")

// Options of a feed. Observe, Committed and Readable may be nil; they hold up what comes after them, so they are quick.
type Options struct {
	Store events.Store
	// Postgres is the URL of the database.
	Postgres string
	// Log is the id in events.LogOpened; rows made from another log are not taken for rows of this one.
	Log         uuid.UUID
	Projections []Projection
	Logger      *slog.Logger
	// Landmarks may be nil: then the log is taken for the one that it was.
	Landmarks Landmarks
	// Legible fails where something of the log that was read cannot be read whole, since its key is lost. It may be nil. As long as it
	// fails, no filling takes the place of rows that are shown: these may be the last place where the text is legible.
	Legible func(context.Context) error
	// Observe is told of each fact once, in order, before its rows are committed.
	Observe func(events.Recorded)
	// Committed is told, group by group, of the facts recorded after the feed began (see From) once they have become
	// readable, whichever node projects them: each once in this process, in order.
	Committed func(group string, batch []events.Recorded, upTo events.Position)
	// Readable is told likewise, of what has become readable in every one of the groups in Together.
	Readable func(batch []events.Recorded, upTo events.Position)
	Together []string
}

// Feed runs projections: it subscribes to the log and commits the rows of each group, with its checkpoints.
type Feed struct {
	Options
	groups []*group
	begun  chan struct{} // closed when from is known
	ended  chan struct{} // closed when Run returns
	from   events.Position
	stream *stream // outlives sessions: what Observe refreshes stays fresh while PostgreSQL is away
	past   past
	reach  reachability
	// decision is the last one of an operator that is known of, nil before one was looked for.
	decision *int64
}

// NewFeed prepares nothing yet; Run does.
func NewFeed(o Options) *Feed {
	f := &Feed{Options: o, begun: make(chan struct{}), ended: make(chan struct{}), stream: newStream(0)}
	f.past.streams = map[*stream]*ending{}
	f.reach.changed = make(chan struct{})
	for _, p := range o.Projections {
		if f.group(p.Group) == nil {
			f.groups = append(f.groups, newGroup(p.Group))
		}
		g := f.group(p.Group)
		g.projections = append(g.projections, p)
	}
	return f
}

func (f *Feed) group(name string) *group {
	for _, g := range f.groups {
		if g.name == name {
			return g
		}
	}
	return nil
}

// Pauses between attempts to reach PostgreSQL, or the event store.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = time.Second
	// sayEvery is how often it is logged that one of them is away.
	sayEvery = 10 * time.Second
)

func newPauses() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = firstPause, lastPause
	b.Reset()
	return b
}

// Run makes the tables and views that are missing and feeds them until the context ends, through every outage of the
// store and of PostgreSQL. It fails at once, and only, when the URL of PostgreSQL cannot be read.
func (f *Feed) Run(ctx context.Context) error {
	defer close(f.ended)
	config, err := f.config()
	if err != nil {
		f.standStill(err)
		return err
	}
	var working sync.WaitGroup
	defer working.Wait()
	if err := f.begin(ctx); err != nil {
		return nil // the context has ended
	}
	working.Go(func() { f.follow(ctx) })
	working.Go(func() { f.watchStore(ctx) })
	f.tellAll(ctx, &working)
	pauses := newPauses()
	var said time.Time // that PostgreSQL is away: once, and then now and again while it lasts
	ready := func() {
		pauses.Reset()
		said = time.Time{}
	}
	for {
		err := newSession(f, config, ready).run(ctx)
		if ctx.Err() != nil {
			f.standStill(fmt.Errorf("the feed has ended: %w", ctx.Err()))
			return nil
		}
		pause := pauses.NextBackOff()
		switch {
		case errors.Is(err, events.ErrOtherLog):
			f.standStill(err)
		case errors.Is(err, errDecided):
			f.Logger.Warn("the feed begins anew", "reason", err)
		default:
			f.standStill(fmt.Errorf("PostgreSQL is away: %w", err))
			if time.Since(said) > sayEvery {
				said = time.Now()
				f.Logger.Warn("the feed has lost PostgreSQL, and tries again", "error", err)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (f *Feed) config() (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(f.Postgres)
	if err != nil {
		return nil, fmt.Errorf("URL of PostgreSQL: %w", err)
	}
	config.ConnectTimeout = connectLimit
	config.RuntimeParams["synchronous_commit"] = "off"
	config.RuntimeParams["application_name"] = "annals feed"
	return config, nil
}

// begin decides where the one stream of events begins: where the log ends now. What lies before, each projection that is
// behind reads for itself.
func (f *Feed) begin(ctx context.Context) error {
	var said time.Time
	head, err := backoff.Retry(ctx, func() (events.Position, error) { return f.Store.Head(ctx) },
		backoff.WithBackOff(newPauses()), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, _ time.Duration) {
			if time.Since(said) > sayEvery {
				said = time.Now()
				f.Logger.Warn("the feed waits for the event store", "error", err)
			}
		}))
	if err != nil {
		return err
	}
	f.from = head
	f.stream.begin(head)
	close(f.begun)
	return nil
}

// From waits until the feed has begun, and says where: Committed receives what comes after. It fails where the feed ends before.
func (f *Feed) From(ctx context.Context) (events.Position, error) {
	select {
	case <-f.begun:
		return f.from, nil
	case <-f.ended:
		return 0, errors.New("the feed has ended before it began")
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (f *Feed) standStill(why error) {
	for _, g := range f.groups {
		g.standStill(why)
	}
}

// Limits of what PostgreSQL is given time for.
const (
	connectLimit = 5 * time.Second
	prepareLimit = time.Minute
	commitLimit  = time.Minute
)

// disconnect says good-bye, even when the context has ended already.
func disconnect(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}
