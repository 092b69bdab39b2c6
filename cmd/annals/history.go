package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"annals/cmd/internal/node"
	"annals/events"
	"annals/projections"
	"annals/queries"
)

// History is the command that tells what happened, who did it and why. It reads the read model that the API reads, beside a
// running server or without one.
type History struct {
	Stream      string    `help:"A stream, such as message-<id>."`
	Category    string    `help:"The noun before the first dash of a stream's name."`
	Type        string    `help:"A type of facts."`
	Agent       uuid.UUID `help:"An agent that the fact is about."`
	Channel     uuid.UUID `help:"A channel that the fact is about."`
	Entity      uuid.UUID `help:"A person, a room or a world that the fact is about."`
	Actor       string    `help:"Who did it: key:<name>, agent:<id>, cli or anonymous."`
	Correlation uuid.UUID `help:"What the request belonged to."`
	Causation   uuid.UUID `help:"The fact or the request that led to it."`
	Since       timeFlag  `placeholder:"TIME" help:"Recorded then or later: 2026-11-01T00:00:00Z, or 2026-11-01."`
	Before      timeFlag  `placeholder:"TIME" help:"Recorded earlier than that."`
	Limit       int       `default:"50" help:"The last so many; 0 for all."`
	Follow      bool      `short:"f" help:"Go on with what is recorded from now on, until interrupted."`
	JSON        bool      `name:"json" help:"A line of JSON for each fact."`
	node.Places `embed:""`
}

// Validate refuses a type that nothing is of.
func (h *History) Validate() error {
	if known := events.Types(); h.Type != "" && !slices.Contains(known, h.Type) {
		return fmt.Errorf("there is no type %s%s", h.Type, didYouMean(h.Type, known))
	}
	if h.Limit < 0 {
		return errors.New("--limit is negative")
	}
	return nil
}

// timeFlag is a time on the command line.
type timeFlag struct{ time.Time }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *timeFlag) UnmarshalText(text []byte) (err error) {
	m.Time, err = parseTime(string(text))
	return err
}

// parseTime reads a time, or the beginning of a day in UTC.
func parseTime(s string) (t time.Time, err error) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err = time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return t, fmt.Errorf("%.40q is no time such as 2026-11-01T00:00:00Z or 2026-11-01", s)
}

func (h *History) filter() queries.HistoryFilter {
	f := queries.HistoryFilter{
		Stream: events.StreamID(h.Stream), Category: h.Category, Type: h.Type, Actor: h.Actor, Correlation: h.Correlation,
		Causation: h.Causation, From: h.Since.Time, To: h.Before.Time,
	}
	for _, id := range []uuid.UUID{h.Agent, h.Channel, h.Entity} {
		if id != uuid.Nil {
			f.Concerning = append(f.Concerning, id)
		}
	}
	return f
}

// Run implements the command. To be interrupted is how following ends, also while it still tells of the past.
func (h *History) Run(ctx context.Context) error {
	err := h.run(ctx)
	switch {
	case err == nil || ctx.Err() == nil:
		return err
	case h.Follow:
		return nil
	}
	return errors.New("interrupted")
}

func (h *History) run(ctx context.Context) error {
	o := h.Options()
	o.AnyLog = true
	b, err := node.OpenExisting(ctx, o)
	defer b.Stop(ctx)
	if err != nil {
		return err
	}
	log, err := b.Log(ctx)
	if err != nil {
		return err
	}
	reading, err := b.Pool(ctx)
	if err != nil {
		return err
	}
	defer reading.Close()
	if b.Alone() { // no server keeps the read model up to date
		feed, stop := b.Project(ctx, log)
		defer func() { _ = stop() }()
		head, err := feed.From(ctx)
		if err == nil {
			err = node.Await(ctx, feed, head, projections.GroupHistory)
		}
		if err != nil {
			return err
		}
	}
	t := teller{h: h, log: log, codec: b.Codec}
	if err := t.past(ctx, queries.New(reading)); err != nil || !h.Follow {
		return err
	}
	return t.follow(ctx, b.Store)
}

// teller writes facts for people, or as JSON.
type teller struct {
	h     *History
	log   uuid.UUID
	codec *events.Codec
	last  events.Position
}

// past tells of what can be read now, the last so many.
func (t *teller) past(ctx context.Context, q *queries.Queries) error {
	f := t.h.filter()
	if t.h.Limit > 0 {
		from, err := t.beginning(ctx, q, f)
		if err != nil {
			return err
		}
		f.After = from
	}
	for raw, err := range q.WholeHistory(ctx, f) {
		if err != nil {
			return err
		}
		e, err := t.codec.Decode(ctx, raw)
		if err != nil {
			return err
		}
		if err := t.tell(e); err != nil {
			return err
		}
	}
	if t.last > 0 {
		return nil
	}
	var err error
	t.last, err = q.HistoryHead(ctx)
	return err
}

// beginning is where the last so many facts begin, exclusive.
func (t *teller) beginning(ctx context.Context, q *queries.Queries, f queries.HistoryFilter) (from events.Position, err error) {
	f.Direction = events.Backwards
	n := 0
	for raw, err := range q.WholeHistory(ctx, f) {
		if err != nil {
			return 0, err
		}
		if from = raw.Position - 1; n+1 == t.h.Limit {
			return from, nil
		}
		n++
	}
	return from, nil
}

// follow tells of what is recorded from now on.
func (t *teller) follow(ctx context.Context, store events.Store) error {
	f := events.Filter{}
	if t.h.Type != "" {
		f.Types = []string{t.h.Type}
	} else if t.h.Stream != "" {
		f.Streams = []string{t.h.Stream}
	}
	for e, err := range store.Subscribe(ctx, t.last, f) {
		if err != nil {
			fmt.Fprintln(os.Stderr, "annals:", err)
			continue
		}
		if !t.h.filter().Fits(e) {
			continue
		}
		if err := t.tell(e); err != nil {
			return err
		}
	}
	return nil
}

func (t *teller) tell(e events.Recorded) error {
	t.last = e.Position
	data, err := json.Marshal(events.MaskSecrets(e.Event))
	if u, ok := e.Event.(events.Unknown); ok {
		data, err = json.Marshal(map[string]string{"unreadable": u.Reason.Error()})
	}
	if err != nil {
		return err
	}
	if !t.h.JSON {
		_, err = fmt.Printf("%s  %-22s %s r%d\n    position %d  by %s  because of %s\n    %s\n", e.Created.Local().Format("2006-01-02 15:04:05.000"),
			e.Event.EventType(), e.Stream, e.Revision, e.Position, e.Meta.Actor, e.Meta.Causation, printable(string(data)))
		return err
	}
	line, err := json.Marshal(struct {
		Position    string          `json:"position"`
		ID          uuid.UUID       `json:"id"`
		Type        string          `json:"type"`
		Stream      events.StreamID `json:"stream"`
		Revision    uint64          `json:"revision"`
		At          time.Time       `json:"at"`
		RecordedAt  time.Time       `json:"recordedAt"`
		Actor       string          `json:"actor"`
		Correlation uuid.UUID       `json:"correlation"`
		Causation   uuid.UUID       `json:"causation"`
		Data        json.RawMessage `json:"data"`
	}{
		events.Token{Log: t.log, Position: e.Position}.String(), e.ID, e.Event.EventType(), e.Stream, e.Revision, e.Meta.At,
		e.Created.UTC(), e.Meta.Actor, e.Meta.Correlation, e.Meta.Causation, data,
	})
	if err == nil {
		_, err = fmt.Println(string(line))
	}
	return err
}

// printable keeps what somebody wrote from moving the cursor of a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, s)
}
