package esdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"annals/events"
)

// maxParked and parkedBytes bound the parked events of a group that are looked at: the oldest.
const (
	maxParked   = 10_000
	parkedBytes = 64 << 20
)

// Parked is an event that a reaction was given and gave up.
type Parked struct {
	Group  string
	Event  events.Recorded
	Added  time.Time
	Reason string
	link   *esdb.RecordedEvent // by which the store keeps it
}

// ErrNotParked: the event is not among the parked ones of the group.
var ErrNotParked = errors.New("not parked")

func parkedStream(group string) string { return "$persistentsubscription-$all::" + group + "-parked" }

// Parked lists what was set aside for a group over the whole log, the oldest first; none for a group that there is not.
func (s *Store) Parked(ctx context.Context, group string) ([]Parked, error) {
	return s.parked(ctx, group, parkedBytes)
}

// parked lists events until it holds so many bytes.
func (s *Store) parked(ctx context.Context, group string, most int) ([]Parked, error) {
	whole := func(e *esdb.ResolvedEvent) *esdb.ResolvedEvent { return e }
	found, err := collect(ctx, s.supervisor, most, whole, func(ctx context.Context, c *esdb.Client) (*esdb.ReadStream, error) {
		return c.ReadStream(ctx, parkedStream(group), esdb.ReadStreamOptions{From: esdb.Start{}, ResolveLinkTos: true}, maxParked)
	})
	if errors.Is(err, errMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("parked events of %s: %w", group, err)
	}
	var all []Parked
	for _, e := range found {
		if e.Link == nil || e.Event == nil { // what it names is gone
			continue
		}
		p := Parked{Group: group, link: e.Link}
		var about struct {
			Added  time.Time `json:"added"`
			Reason string    `json:"reason"`
		}
		_ = json.Unmarshal(e.Link.UserMetadata, &about) // without it there is still the event
		p.Added, p.Reason = about.Added, about.Reason
		if p.Event, err = s.codec.Decode(ctx, raw(e.Event)); err != nil {
			return nil, fmt.Errorf("%w: %w", events.ErrUnavailable, err)
		}
		all = append(all, p)
	}
	return all, nil
}

// RetryParked delivers what is parked again: one event or, for uuid.Nil, all. Those that fail again are parked again.
func (s *Store) RetryParked(ctx context.Context, group string, event uuid.UUID) error {
	options := esdb.ReplayParkedMessagesOptions{}
	if event != uuid.Nil {
		// The store delivers again from the oldest on: the one comes to the front.
		first, err := s.rearrange(ctx, group, func(all []Parked) ([]Parked, error) {
			i := indexOf(all, event)
			if i < 0 {
				return nil, fmt.Errorf("event %s: %w for %s", event, ErrNotParked, group)
			}
			return slices.Concat(all[i:i+1], all[:i], all[i+1:]), nil
		})
		if err != nil {
			return err
		}
		options.StopAt = int(first) + 1 //nolint:gosec // a revision
	}
	_, err := persist(ctx, s.supervisor, func(ctx context.Context, c *esdb.Client) (struct{}, error) {
		return struct{}{}, c.ReplayParkedMessagesToAll(ctx, group, options)
	})
	if err != nil && !errors.Is(err, errMissing) {
		return fmt.Errorf("retry what is parked for %s: %w", group, err)
	}
	return nil
}

// DropParked forgets what is parked: one event or, for uuid.Nil, all. The events themselves stay in the log.
func (s *Store) DropParked(ctx context.Context, group string, event uuid.UUID) error {
	_, err := s.rearrange(ctx, group, func(all []Parked) ([]Parked, error) {
		if event == uuid.Nil {
			return nil, nil
		}
		i := indexOf(all, event)
		if i < 0 {
			return nil, fmt.Errorf("event %s: %w for %s", event, ErrNotParked, group)
		}
		return slices.Delete(slices.Clone(all), i, i+1), nil
	})
	return err
}

func indexOf(all []Parked, event uuid.UUID) int {
	return slices.IndexFunc(all, func(p Parked) bool { return p.Event.ID == event })
}

// rearranging bounds how often somebody else may park something meanwhile.
const rearranging = 10

// rearrange writes down anew what is parked, in one append, and then hides what was there before: a crash in between leaves
// an event parked twice, and none lost. It gives the revision of the first.
func (s *Store) rearrange(ctx context.Context, group string, order func([]Parked) ([]Parked, error)) (first uint64, err error) {
	for range rearranging {
		all, err := s.Parked(ctx, group)
		if err != nil {
			return 0, err
		}
		wanted, err := order(all)
		if err != nil || len(all) == 0 {
			return 0, err
		}
		last := all[len(all)-1].link.EventNumber
		err = s.writeParked(ctx, group, last, wanted)
		if errors.Is(err, events.ErrConflict) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("rearrange what is parked for %s: %w", group, err)
		}
		return last + 1, s.hideParked(ctx, group, last+1)
	}
	return 0, fmt.Errorf("rearrange what is parked for %s: %w", group, events.ErrConflict)
}

func (s *Store) writeParked(ctx context.Context, group string, after uint64, wanted []Parked) error {
	if len(wanted) == 0 {
		return nil
	}
	links := make([]esdb.EventData, len(wanted))
	for i, p := range wanted {
		links[i] = esdb.EventData{
			EventID: uuid.New(), EventType: p.link.EventType, ContentType: esdb.ContentTypeBinary, Data: p.link.Data, Metadata: p.link.UserMetadata,
		}
	}
	_, err := persist(ctx, s.supervisor, func(ctx context.Context, c *esdb.Client) (*esdb.WriteResult, error) {
		return c.AppendToStream(ctx, parkedStream(group), esdb.AppendToStreamOptions{ExpectedRevision: esdb.Revision(after)}, links...)
	})
	return err
}

func (s *Store) hideParked(ctx context.Context, group string, before uint64) error {
	metadata := esdb.StreamMetadata{}
	metadata.SetTruncateBefore(before)
	_, err := persist(ctx, s.supervisor, func(ctx context.Context, c *esdb.Client) (*esdb.WriteResult, error) {
		return c.SetStreamMetadata(ctx, parkedStream(group), esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, metadata)
	})
	return err
}
