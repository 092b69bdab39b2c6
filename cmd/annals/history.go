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
	"annals/transport/httpapi/history"
)

// History is the command that tells what happened, who did it and why. It reads the read model that the API reads, beside a
// running server or without one.
type History struct {
	Stream      string   `help:"A stream, such as message-<id>."`
	Category    string   `help:"The noun before the first dash of a stream's name."`
	Type        string   `help:"A type of facts."`
	Agent       idFlag   `placeholder:"ID" help:"An agent that the fact is about."`
	Channel     idFlag   `placeholder:"ID" help:"A channel that the fact is about."`
	Entity      idFlag   `placeholder:"ID" help:"A person, a room or a world that the fact is about."`
	Actor       string   `help:"Who did it: key:<name>, agent:<id>, cli or anonymous."`
	Correlation idFlag   `placeholder:"ID" help:"What the request belonged to."`
	Causation   idFlag   `placeholder:"ID" help:"The fact or the request that led to it."`
	Since       timeFlag `placeholder:"TIME" help:"Recorded then or later: 2026-11-01T00:00:00Z, or 2026-11-01."`
	Before      timeFlag `placeholder:"TIME" help:"Recorded earlier than that."`
	Limit       int      `default:"50" help:"The last so many; 0 for all."`
	Follow      bool     `short:"f" help:"Go on with what is recorded from now on, until interrupted."`
	JSON        bool     `name:"json" help:"A line of JSON for each fact."`
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

func (h *History) filter() queries.HistoryFilter {
	f := queries.HistoryFilter{
		Stream: events.StreamID(h.Stream), Category: h.Category, Type: h.Type, Actor: h.Actor, Correlation: h.Correlation.UUID,
		Causation: h.Causation.UUID, From: h.Since.Time, To: h.Before.Time,
	}
	for _, id := range []idFlag{h.Agent, h.Channel, h.Entity} {
		if id.UUID != uuid.Nil {
			f.Concerning = append(f.Concerning, id.UUID)
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
	return readHistory(ctx, h.Places, func(b *node.Backends, log uuid.UUID, q *queries.Queries) error {
		t := teller{h: h, log: log, codec: b.Codec}
		if err := t.past(ctx, q); err != nil || !h.Follow {
			return err
		}
		return t.follow(ctx, b.Store)
	})
}

// readHistory calls do with the read model of the history, up to date.
func readHistory(ctx context.Context, p node.Places, do func(b *node.Backends, log uuid.UUID, q *queries.Queries) error) error {
	o := p.Options()
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
			err = node.CatchUp(ctx, feed, head, projections.GroupHistory)
		}
		if err != nil {
			return err
		}
	}
	return do(b, log, queries.New(reading))
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
	fact := history.FactOf(t.log, e)
	if t.h.JSON {
		return json.NewEncoder(os.Stdout).Encode(fact)
	}
	_, err := fmt.Printf("%s  %-22s %s r%d\n    position %d  by %s  because of %s\n    %s\n",
		clock(e.Created), fact.Type, fact.Stream, fact.Revision, e.Position, fact.Actor, fact.Causation, dataOf(fact))
	return err
}

// clock is a time as people on this machine read it.
func clock(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05.000") }

// dataOf is what an event holds, on one line.
func dataOf(f history.Fact) string {
	if f.Unreadable != "" {
		return "unreadable: " + printable(f.Unreadable)
	}
	return jsonLine(f.Data)
}

// jsonLine is a value as JSON that no terminal takes for commands.
func jsonLine(v any) string {
	line, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return printable(string(line))
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
