package history

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/limits"
	"annals/transport/problem"
)

// Past shows what read models were: Replay fills those that are named, for this call alone, with the facts before, and calls
// show with queries that see them; then again after each of the steps.
type Past interface {
	Replay(ctx context.Context, models []string, before, steps []events.Recorded, show func(context.Context, *queries.Queries) error) error
}

// kind is a kind of thing that has a story.
type kind struct {
	noun   string
	models []string // the projections that its view is read from
	// parents are the fields of its facts that name what else decides about it: what becomes of that is a part of its story.
	parents map[string]string
	view    func(context.Context, *queries.Queries, uuid.UUID) (any, error)
}

// The views are those that the API answers with, without the values of secrets.
var (
	agentKind = kind{noun: "agent", models: []string{"agents"}, view: func(ctx context.Context, q *queries.Queries, id uuid.UUID) (any, error) {
		agent, err := q.Agent(ctx, id)
		if err == nil {
			agent.Settings, err = events.MaskSettings(agent.Settings)
		}
		return agent, err
	}}
	channelKind = kind{noun: "channel", models: []string{"channels", "participants"}, view: func(ctx context.Context, q *queries.Queries, id uuid.UUID) (any, error) {
		return q.ChannelDetails(ctx, id)
	}}
	messageKind = kind{
		noun: "message", models: []string{"messages"}, parents: map[string]string{"ChannelID": "channel"},
		view: func(ctx context.Context, q *queries.Queries, id uuid.UUID) (any, error) { return q.Message(ctx, id) },
	}
	sessionKind = kind{noun: "session", models: []string{"sessions"}, view: func(ctx context.Context, q *queries.Queries, id uuid.UUID) (any, error) {
		return q.Session(ctx, id, time.Time{})
	}}
	jobKind = kind{
		noun: "job", models: []string{"jobs", "messages"}, parents: map[string]string{"MessageID": "message", "ReplyID": "message"},
		view: func(ctx context.Context, q *queries.Queries, id uuid.UUID) (any, error) { return q.Job(ctx, id) },
	}
	memoryKind = kind{
		noun: "memory", models: []string{"memories"},
		parents: map[string]string{
			"AgentID": "agent", "RoomID": "room", "WorldID": "world", "ChannelID": "channel", "MessageID": "message", "DocumentID": "memory",
		},
		view: func(ctx context.Context, q *queries.Queries, id uuid.UUID) (any, error) { return q.Memory(ctx, id) },
	}
)

// HistoryPath names a thing.
type HistoryPath struct {
	ID frame.ID `path:"id"`
}

type storyQuery struct {
	HistoryPath
	AsOf  string `query:"asOf" doc:"A position or a time: the thing as it was then, instead of its story."`
	After string `query:"after" doc:"A position: what comes after it in the story."`
	Limit int    `query:"limit" default:"100" doc:"At most 1000 facts."`
}

// toldFact is a fact in the story of a thing.
type toldFact struct {
	Fact
	Changes []change `json:"changes" doc:"What it changed in the thing as the API shows it."`
}

// change is a difference between two states of a thing.
type change struct {
	Path   string `json:"path" doc:"A JSON pointer; empty for the whole thing."`
	Before any    `json:"before,omitempty"`
	After  any    `json:"after,omitempty"`
}

type story struct {
	Events []toldFact      `json:"events,omitempty"`
	Next   string          `json:"next,omitempty" doc:"Where there is more: the after of the next page."`
	State  json.RawMessage `json:"state" doc:"The thing after the last of these facts, as the API shows it; null where it is not there."`
	AsOf   string          `json:"asOf,omitempty" doc:"The position that the state is of."`
	Exists *bool           `json:"exists,omitempty" doc:"With asOf: whether it was there then."`
}

func (a *api) agentStory(c *frame.Call, in *storyQuery) (story, error) {
	return a.story(c, agentKind, in)
}

func (a *api) channelStory(c *frame.Call, in *storyQuery) (story, error) {
	return a.story(c, channelKind, in)
}

func (a *api) messageStory(c *frame.Call, in *storyQuery) (story, error) {
	return a.story(c, messageKind, in)
}

func (a *api) sessionStory(c *frame.Call, in *storyQuery) (story, error) {
	return a.story(c, sessionKind, in)
}

func (a *api) jobStory(c *frame.Call, in *storyQuery) (story, error) {
	return a.story(c, jobKind, in)
}

func (a *api) memoryStory(c *frame.Call, in *storyQuery) (story, error) {
	return a.story(c, memoryKind, in)
}

func (a *api) story(c *frame.Call, k kind, in *storyQuery) (s story, err error) {
	if err := c.Here("read the history"); err != nil {
		return s, err
	}
	limit, err := frame.Bounded(in.Limit)
	if err != nil {
		return s, err
	}
	after, err := a.place("after", in.After)
	if err != nil {
		return s, err
	}
	stream := events.Stream(k.noun, in.ID.UUID)
	facts, err := a.factsOf(c, k, stream)
	if err != nil {
		return s, err
	}
	if len(facts) == 0 {
		return s, fmt.Errorf("%s %s %w", k.noun, in.ID.UUID, queries.ErrNotFound)
	}
	if in.AsOf != "" {
		return a.stateThen(c, k, in.ID.UUID, facts, in.AsOf)
	}
	from, _ := slices.BinarySearchFunc(facts, after+1, byPosition)
	return a.tell(c, k, stream, facts[:from], facts[from:], limit)
}

func byPosition(e events.Recorded, p events.Position) int { return cmp.Compare(e.Position, p) }

// tell tells of the own facts of a thing, and of those of others that changed it, with the difference that each made.
func (a *api) tell(c *frame.Call, k kind, stream events.StreamID, before, steps []events.Recorded, limit int) (s story, err error) {
	var (
		last   json.RawMessage
		n      int
		enough = errors.New("enough")
	)
	s.Events = []toldFact{}
	err = a.Past.Replay(c, k.models, before, steps, func(ctx context.Context, q *queries.Queries) error {
		state, err := k.state(ctx, q, stream.Subject())
		if err != nil {
			return err
		}
		was := last
		if last, n = state, n+1; n == 1 {
			s.State = state
			return nil
		}
		e := steps[n-2]
		changes := differences("", decodedJSON(was), decodedJSON(state), []change{})
		if e.Stream != stream && len(changes) == 0 {
			return nil
		}
		if len(s.Events) == limit {
			if limit > 0 {
				s.Next = s.Events[limit-1].Position
			}
			return enough
		}
		s.State = state
		s.Events = append(s.Events, toldFact{a.fact(e), changes})
		return nil
	})
	if errors.Is(err, enough) {
		err = nil
	}
	return s, err
}

// stateThen is the thing as it was at a time or a position.
func (a *api) stateThen(c *frame.Call, k kind, id uuid.UUID, facts []events.Recorded, asOf string) (s story, err error) {
	then, err := a.moment(c, asOf)
	if err != nil {
		return s, err
	}
	n, _ := slices.BinarySearchFunc(facts, then+1, byPosition)
	err = a.Past.Replay(c, k.models, facts[:n], nil, func(ctx context.Context, q *queries.Queries) error {
		s.State, err = k.state(ctx, q, id)
		return err
	})
	exists := s.State != nil
	s.AsOf, s.Exists = a.TokenOf(then), &exists
	return s, err
}

// moment is the position that asOf means: what had been recorded then.
func (a *api) moment(c *frame.Call, asOf string) (events.Position, error) {
	if _, err := events.ParseToken(asOf); err == nil {
		if err := c.After("asOf", asOf); err != nil { // it may just have been written
			return 0, err
		}
		return a.place("asOf", asOf)
	}
	var t frame.Moment
	if err := t.UnmarshalText([]byte(asOf)); err != nil {
		return 0, problem.Invalid("Invalid asOf: neither a position nor a time: %.60q", asOf)
	}
	then := t.Time
	if then.Equal(then.Truncate(time.Millisecond)) {
		then = then.Add(time.Millisecond - time.Microsecond) // clocks of clients know no less: what they saw then counts
	}
	return a.Queries.RecordedBy(c, then)
}

// state is the thing as clients see it, nil where it is not there.
func (k kind) state(ctx context.Context, q *queries.Queries, id uuid.UUID) (json.RawMessage, error) {
	view, err := k.view(ctx, q, id)
	if errors.Is(err, queries.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(view)
}

// What is replayed for one thing. Streams are short by design.
var (
	maxStory = limits.Declare(limits.Bound{
		Name: "history.story", What: "the events of one thing, and those of each that it belongs to", Per: limits.Request, Value: 10_000, Unit: limits.Count,
		Answer: "400: they are read from /api/history/events",
	})
	maxStoryBytes = limits.Declare(limits.Bound{
		Name: "history.story.bytes", What: "the events of one thing, and those of each that it belongs to", Per: limits.Request, Value: 16 << 20, Unit: limits.Bytes,
		Answer: "400: they are read from /api/history/events",
	})
)

// factsOf are the facts of a thing, and those of its parents since it began, in the order of the log.
func (a *api) factsOf(c *frame.Call, k kind, stream events.StreamID) ([]events.Recorded, error) {
	facts, err := a.decoded(c, queries.HistoryFilter{Stream: stream})
	if err != nil || len(facts) == 0 {
		return nil, err
	}
	for _, parent := range k.parentsIn(facts) {
		more, err := a.decoded(c, queries.HistoryFilter{Stream: parent, After: facts[0].Position})
		if err != nil {
			return nil, err
		}
		facts = append(facts, more...)
	}
	slices.SortFunc(facts, func(x, y events.Recorded) int { return cmp.Compare(x.Position, y.Position) })
	return facts, nil
}

func (k kind) parentsIn(facts []events.Recorded) (found []events.StreamID) {
	for _, e := range facts {
		for field, noun := range k.parents {
			for _, id := range events.IDsIn(e.Event, field) {
				if s := events.Stream(noun, id); id != uuid.Nil && !slices.Contains(found, s) {
					found = append(found, s)
				}
			}
		}
	}
	return found
}

// decoded reads what fits a filter, and refuses what is too much.
func (a *api) decoded(c *frame.Call, f queries.HistoryFilter) (all []events.Recorded, err error) {
	size := 0
	for raw, err := range a.Queries.WholeHistory(c, f) {
		if err != nil {
			return nil, err
		}
		e, err := a.Codec.Decode(c, raw)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
		if size += len(raw.Data); len(all) > maxStory.Int() || size > maxStoryBytes.Int() {
			return nil, problem.Invalid("%s has more than %d facts, or %d bytes of them: read them from /api/history/events",
				e.Stream, maxStory.Value, maxStoryBytes.Value)
		}
	}
	return all, nil
}

// decodedJSON is what a text of ours says, numbers as they are written.
func decodedJSON(text json.RawMessage) (v any) {
	if text == nil {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		panic(err) // only for what was not encoded here
	}
	return v
}

// differences adds what changed from one JSON value to another.
func differences(path string, before, after any, found []change) []change {
	x, isObject := before.(map[string]any)
	y, both := after.(map[string]any)
	if !isObject || !both {
		if !reflect.DeepEqual(before, after) {
			found = append(found, change{path, before, after})
		}
		return found
	}
	names := map[string]bool{}
	for name := range x {
		names[name] = true
	}
	for name := range y {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		found = differences(path+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name), x[name], y[name], found)
	}
	return found
}
