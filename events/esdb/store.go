// Package esdb keeps the log in EventStoreDB, or in the embedded node, through the official client. It keeps that client's
// hazards from everyone else: calls honour their contexts, outages are survived, subscriptions resume.
package esdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"annals/events"
)

// One read asks for a page of events, and stops early once it holds pageBytes: events may be large.
const (
	page      = 500
	pageBytes = 1 << 20
)

// Options of Open. Either Socket or URL is set.
type Options struct {
	Socket string // path of the embedded node's unix socket
	URL    string // esdb:// or esdb+discover://
	Codec  *events.Codec
	Logger *slog.Logger
}

// Store implements events.Store.
type Store struct {
	supervisor *supervisor
	codec      *events.Codec
	log        *slog.Logger
}

var _ events.Store = (*Store)(nil)

// Open does not wait for the node: calls do. The store outlives ctx; only Close ends it.
func Open(ctx context.Context, o Options) (*Store, error) {
	config, err := configure(o)
	if err != nil {
		return nil, fmt.Errorf("event store: %w", err)
	}
	s := &Store{supervisor: newSupervisor(ctx, config, o.Logger), codec: o.Codec, log: o.Logger}
	if o.Codec != nil {
		o.Codec.FindErasures(s.erasures)
	}
	return s, nil
}

// erasures reads how often a subject was erased, and under which keys.
func (s *Store) erasures(ctx context.Context, subject uuid.UUID) (all []events.Erasure, err error) {
	for e, err := range s.Read(ctx, events.SubjectStream(subject), events.Forwards) {
		if err != nil {
			return nil, err
		}
		if f, ok := e.Event.(events.SubjectErased); ok {
			all = append(all, f.Erasure(e.Position))
		}
	}
	return all, nil
}

// CheckURL refuses a URL with which no event store could ever be reached. Its error has no part of the URL: that may hold a password.
func CheckURL(address string) error {
	_, err := configure(Options{URL: address})
	return err
}

func configure(o Options) (*esdb.Configuration, error) {
	config := &esdb.Configuration{
		Address: "unix:" + o.Socket, DisableTLS: true, NodePreference: esdb.NodePreferenceLeader,
		GossipTimeout: 5, KeepAliveInterval: 10 * time.Second, KeepAliveTimeout: 10 * time.Second,
	}
	if o.URL != "" {
		var err error
		if config, err = esdb.ParseConnectionString(o.URL); err != nil {
			var whole *url.Error
			if errors.As(err, &whole) {
				err = whole.Err
			}
			return nil, fmt.Errorf("EVENTSTORE_URL: %w", err)
		}
	}
	return config, nil
}

// Close ends every call and subscription; the context bounds the wait for them.
func (s *Store) Close(ctx context.Context) error { return s.supervisor.shut(ctx) }

// Append implements events.Store. An append whose answer was lost is repeated, with the same ids and bytes, until the
// context ends.
func (s *Store) Append(ctx context.Context, stream events.StreamID, expect events.Revision, facts ...events.Proposed) (events.Position, error) {
	data := make([]esdb.EventData, len(facts))
	for i, f := range facts {
		e, err := s.codec.Encode(ctx, f)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", stream, err)
		}
		data[i] = esdb.EventData{
			EventID: e.ID, EventType: e.Type, ContentType: esdb.ContentTypeJson, Data: e.Data, Metadata: e.Metadata,
		}
	}
	var expected esdb.ExpectedRevision = esdb.NoStream{}
	if expect != events.NoStream {
		expected = esdb.Revision(uint64(expect))
	}
	position, err := persist(ctx, s.supervisor, func(ctx context.Context, c *esdb.Client) (events.Position, error) {
		r, err := c.AppendToStream(ctx, string(stream), esdb.AppendToStreamOptions{ExpectedRevision: expected}, data...)
		if err != nil {
			return 0, err
		}
		return events.Position(r.CommitPosition), nil
	})
	if err != nil {
		return 0, fmt.Errorf("append to %s at %d: %w", stream, expect, err)
	}
	return position, nil
}

// Read implements events.Store.
func (s *Store) Read(ctx context.Context, stream events.StreamID, dir events.Direction) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		var from esdb.StreamPosition = esdb.Start{}
		size := uint64(page)
		if dir == events.Backwards { // often the last one is enough, or a few
			from, size = esdb.End{}, 1
		}
		for ; ; size = min(32*size, page) {
			options := esdb.ReadStreamOptions{From: from, Direction: direction(dir)}
			got, err := s.read(ctx, func(ctx context.Context, c *esdb.Client) (*esdb.ReadStream, error) {
				return c.ReadStream(ctx, string(stream), options, size)
			})
			if err != nil && !errors.Is(err, errMissing) {
				yield(events.Recorded{}, fmt.Errorf("read %s: %w", stream, err))
				return
			}
			if !s.yieldAll(ctx, got, events.Filter{}, yield) || !full(got, size) {
				return
			}
			last := got[len(got)-1].EventNumber
			if dir == events.Backwards && last == 0 {
				return
			}
			from = esdb.Revision(next(last, dir))
		}
	}
}

// ReadAll implements events.Store. The protocol's reads of the whole log know no filter: it is applied here.
func (s *Store) ReadAll(ctx context.Context, from events.Position, dir events.Direction, f events.Filter) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		at := from
		for first := true; ; first = false {
			got, err := s.readAll(ctx, at, dir, page)
			if err != nil {
				yield(events.Recorded{}, fmt.Errorf("read the log from %d: %w", at, err))
				return
			}
			more := full(got, page)
			// Forwards the store includes the position itself.
			if dir == events.Forwards && (!first || from > 0) && len(got) > 0 && position(got[0]) == at {
				got = got[1:]
			}
			if !s.yieldAll(ctx, got, f, yield) || !more || len(got) == 0 {
				return
			}
			at = position(got[len(got)-1])
		}
	}
}

func (s *Store) readAll(ctx context.Context, at events.Position, dir events.Direction, n uint64) ([]*esdb.RecordedEvent, error) {
	var from esdb.AllPosition = esdb.Position{Commit: uint64(at), Prepare: uint64(at)}
	if at == 0 {
		from = esdb.Start{}
		if dir == events.Backwards {
			from = esdb.End{}
		}
	}
	return s.read(ctx, func(ctx context.Context, c *esdb.Client) (*esdb.ReadStream, error) {
		return c.ReadAll(ctx, esdb.ReadAllOptions{From: from, Direction: direction(dir)}, n)
	})
}

// read collects one page.
func (s *Store) read(ctx context.Context, open func(context.Context, *esdb.Client) (*esdb.ReadStream, error)) ([]*esdb.RecordedEvent, error) {
	return collect(ctx, s.supervisor, pageBytes, (*esdb.ResolvedEvent).OriginalEvent, open)
}

// full reports whether there may be more behind a page that n events were asked for.
func full(got []*esdb.RecordedEvent, n uint64) bool {
	held := 0
	for _, e := range got {
		held += size(e)
	}
	return uint64(len(got)) >= n || held >= pageBytes
}

func size(e *esdb.RecordedEvent) int { return len(e.Data) + len(e.UserMetadata) }

// collect reads to the end or until it holds so many bytes, and takes something of each event.
func collect[E any](
	ctx context.Context, sup *supervisor, most int, take func(*esdb.ResolvedEvent) E,
	open func(context.Context, *esdb.Client) (*esdb.ReadStream, error),
) ([]E, error) {
	return persist(ctx, sup, func(ctx context.Context, c *esdb.Client) ([]E, error) {
		reading, err := open(ctx, c)
		if err != nil {
			return nil, err
		}
		defer reading.Close()
		var got []E
		for held := 0; held < most; {
			e, err := reading.Recv()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
			held += size(e.OriginalEvent())
			if e.Link != nil && e.Event != nil { // what the link names is held as well
				held += size(e.Event)
			}
			got = append(got, take(e))
		}
		return got, nil
	})
}

// yieldAll decodes and passes on what fits, until somebody has had enough.
func (s *Store) yieldAll(ctx context.Context, got []*esdb.RecordedEvent, f events.Filter, yield func(events.Recorded, error) bool) bool {
	for _, e := range got {
		if !fits(f, e) {
			continue
		}
		r, err := s.codec.Decode(ctx, raw(e))
		if err != nil {
			yield(events.Recorded{}, fmt.Errorf("%w: %w", events.ErrUnavailable, err))
			return false
		}
		if !yield(r, nil) {
			return false
		}
	}
	return true
}

// Head implements events.Store. It looks at the last event, and at ever more before it while those are the store's own.
func (s *Store) Head(ctx context.Context) (events.Position, error) {
	at := events.Position(0)
	for n := uint64(1); ; n = min(16*n, page) {
		got, err := s.readAll(ctx, at, events.Backwards, n)
		if err != nil {
			return 0, fmt.Errorf("head of the log: %w", err)
		}
		i := slices.IndexFunc(got, func(e *esdb.RecordedEvent) bool { return fits(events.Filter{}, e) })
		if i >= 0 {
			return position(got[i]), nil
		}
		if !full(got, n) {
			return 0, nil
		}
		at = position(got[len(got)-1])
	}
}

// probed is a stream that never exists.
const probed = "probe-00000000-0000-0000-0000-000000000000"

// Writable returns why the store takes no events, nil when it does. It offers one that cannot be recorded: a store that
// takes events answers that the stream is at another revision.
func (s *Store) Writable(ctx context.Context) error {
	_, err := persist(ctx, s.supervisor, func(ctx context.Context, c *esdb.Client) (*esdb.WriteResult, error) {
		options := esdb.AppendToStreamOptions{ExpectedRevision: esdb.Revision(math.MaxInt64 - 1)}
		return c.AppendToStream(ctx, probed, options, esdb.EventData{
			EventID: uuid.New(), EventType: "Probed", ContentType: esdb.ContentTypeJson, Data: []byte("{}"), Metadata: []byte("{}"),
		})
	})
	if errors.Is(err, events.ErrConflict) {
		return nil
	}
	return err
}

// fits applies a filter as the store would.
func fits(f events.Filter, e *esdb.RecordedEvent) bool {
	switch {
	case strings.HasPrefix(e.EventType, "$"):
		return false
	case len(f.Types) > 0:
		return slices.Contains(f.Types, e.EventType)
	case len(f.Streams) > 0:
		return slices.ContainsFunc(f.Streams, func(prefix string) bool { return strings.HasPrefix(e.StreamID, prefix) })
	}
	return true
}

func direction(d events.Direction) esdb.Direction {
	if d == events.Backwards {
		return esdb.Backwards
	}
	return esdb.Forwards
}

func next(revision uint64, d events.Direction) uint64 {
	if d == events.Backwards {
		return revision - 1
	}
	return min(revision+1, math.MaxInt64)
}

func position(e *esdb.RecordedEvent) events.Position { return events.Position(e.Position.Commit) }

func raw(e *esdb.RecordedEvent) events.Raw {
	return events.Raw{
		Encoded: events.Encoded{ID: e.EventID, Type: e.EventType, Data: e.Data, Metadata: e.UserMetadata},
		Stream:  events.StreamID(e.StreamID), Revision: e.EventNumber, Position: position(e), Created: e.CreatedDate,
	}
}
