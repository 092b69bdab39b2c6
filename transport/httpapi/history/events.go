package history

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// Fact is a fact as auditors see it: personal text in clear as long as its key is there, secrets by their names alone.
type Fact struct {
	Position    string          `json:"position"`
	ID          uuid.UUID       `json:"id"`
	Type        string          `json:"type"`
	Stream      events.StreamID `json:"stream"`
	Revision    uint64          `json:"revision"`
	At          time.Time       `json:"at" doc:"When it was asked for."`
	RecordedAt  time.Time       `json:"recordedAt" doc:"When the store took it, by the store's clock."`
	Actor       string          `json:"actor"`
	Correlation uuid.UUID       `json:"correlation"`
	Causation   uuid.UUID       `json:"causation" doc:"The fact that led to it, or else the request."`
	Request     uuid.UUID       `json:"request"`
	Hops        int             `json:"hops,omitempty" doc:"How many agents stand between a person's act and this fact."`
	Data        events.Event    `json:"data"`
	Unreadable  string          `json:"unreadable,omitempty" doc:"Why this build cannot read the data."`
}

func (a *api) fact(e events.Recorded) Fact { return FactOf(a.Log, e) }

// FactOf shows an event of a log.
func FactOf(log uuid.UUID, e events.Recorded) Fact {
	f := Fact{
		Position: events.Token{Log: log, Position: e.Position}.String(), ID: e.ID, Type: e.Event.EventType(), Stream: e.Stream, Revision: e.Revision, At: e.Meta.At,
		RecordedAt: e.Created.UTC(), Actor: e.Meta.Actor, Correlation: e.Meta.Correlation, Causation: e.Meta.Causation,
		Request: e.Meta.Request, Hops: e.Meta.Hops, Data: events.MaskSecrets(e.Event),
	}
	if u, ok := e.Event.(events.Unknown); ok {
		f.Data, f.Unreadable = nil, u.Reason.Error()
	}
	return f
}

// place is a position of this log in a query, exclusive.
func (a *api) place(name, token string) (events.Position, error) {
	if token == "" {
		return 0, nil
	}
	t, err := events.ParseToken(token)
	switch {
	case err != nil:
		return 0, problem.Invalid("%s: %s", name, err)
	case t.Log != a.Log:
		return 0, problem.Invalid("%s: %.60s is a position of another log", name, token)
	}
	return t.Position, nil
}

// HistoryQuery says which facts are wanted.
type HistoryQuery struct {
	Stream      string       `query:"stream" doc:"The name of a stream, such as message-<id>."`
	Category    string       `query:"category" doc:"The noun before the first dash of a stream's name."`
	Type        string       `query:"type" doc:"The type of the fact."`
	Agent       string       `query:"agent" doc:"An agent that the fact is about."`
	Channel     string       `query:"channel" doc:"A channel that the fact is about."`
	Entity      string       `query:"entity" doc:"A person, a room or a world that the fact is about."`
	Actor       string       `query:"actor" doc:"Who did it: key:<name>, agent:<id>, cli or anonymous."`
	Correlation string       `query:"correlation" doc:"What the request belonged to."`
	Causation   string       `query:"causation" doc:"The fact or the request that led to it."`
	From        frame.Moment `query:"from" doc:"Recorded then or later."`
	To          frame.Moment `query:"to" doc:"Recorded earlier than that."`
	After       string       `query:"after" doc:"A position: what comes after it in the log."`
	Before      string       `query:"before" doc:"A position: what comes before it in the log."`
	Direction   string       `query:"direction" default:"forwards" enum:"forwards,backwards" doc:"forwards from the oldest, backwards from the newest."`
}

func (a *api) historyFilter(in *HistoryQuery) (f queries.HistoryFilter, err error) {
	f = queries.HistoryFilter{
		Stream: events.StreamID(in.Stream), Category: in.Category, Type: in.Type, Actor: in.Actor, From: in.From.Time, To: in.To.Time,
	}
	for _, one := range []struct {
		name, value string
		to          *uuid.UUID
	}{
		{"agent", in.Agent, nil},
		{"channel", in.Channel, nil},
		{"entity", in.Entity, nil},
		{"correlation", in.Correlation, &f.Correlation},
		{"causation", in.Causation, &f.Causation},
	} {
		if one.value == "" {
			continue
		}
		id, err := events.ParseID(one.value)
		switch {
		case err != nil:
			return f, problem.Invalid("Invalid %s: %s", one.name, err)
		case one.to != nil:
			*one.to = id
		default:
			f.Concerning = append(f.Concerning, id)
		}
	}
	switch in.Direction {
	case "", "forwards":
	case "backwards":
		f.Direction = events.Backwards
	default:
		return f, problem.Invalid("Invalid direction: forwards or backwards")
	}
	if f.After, err = a.place("after", in.After); err != nil {
		return f, err
	}
	f.Before, err = a.place("before", in.Before)
	return f, err
}

type historyQuery struct {
	HistoryQuery
	Limit  int    `query:"limit" doc:"At most 1000, by default 100; as lines, everything."`
	Format string `query:"format" enum:"json,ndjson" doc:"ndjson, or an Accept of application/x-ndjson: one fact a line, streamed."`
}

type historyPage struct {
	Events []Fact `json:"events"`
	Next   string `json:"next,omitempty" doc:"Where there may be more: the after, or backwards the before, of the next page."`
}

// factsByDefault is how many facts a page has unless the client says otherwise.
const factsByDefault = 100

func (a *api) historyEvents(c *frame.Call, in *historyQuery) (historyPage, error) {
	var page historyPage
	if err := c.Here("read the history"); err != nil {
		return page, err
	}
	f, err := a.historyFilter(&in.HistoryQuery)
	if err != nil {
		return page, err
	}
	if c.WantsLines(in.Format) {
		return page, a.historyLines(c, f, in.Limit)
	}
	limit, err := frame.Bounded(cmp.Or(in.Limit, factsByDefault))
	if err != nil {
		return page, err
	}
	found, err := a.Queries.History(c, f, limit)
	if err != nil {
		return page, err
	}
	page.Events = make([]Fact, len(found))
	for i, raw := range found {
		e, err := a.Codec.Decode(c, raw)
		if err != nil {
			return page, err
		}
		page.Events[i] = a.fact(e)
	}
	parameter := "after"
	if f.Direction == events.Backwards {
		parameter = "before"
	}
	if n := len(found); n > 0 {
		last := page.Events[n-1].Position
		if page.Next = c.Next(parameter, last); n == limit {
			page.Next = last
		}
	}
	return page, nil
}

// historyLines streams facts as lines, as far as the log went when it began: everything, unless the client limits it. It
// holds no more than a page in memory, and gives up on a client that takes nothing for lineWait.
func (a *api) historyLines(c *frame.Call, f queries.HistoryFilter, limit int) error {
	if limit < 0 {
		return problem.Invalid("limit must be positive")
	}
	head, err := a.Queries.HistoryHead(c)
	if err != nil {
		return err
	}
	if f.Before == 0 || f.Before > head {
		f.Before = head + 1
	}
	c.Stream = func() {
		c.Rested()
		w := c.Writer()
		w.Header().Set("Content-Type", frame.NDJSON)
		w.Header().Set("X-Annals-Position", a.TokenOf(head))
		w.WriteHeader(http.StatusOK)
		if c.HeadOnly() {
			return
		}
		ctx, cancel := context.WithCancel(c.Unbounded) //nolint:contextcheck // it ends with the client
		defer cancel()
		if a.Done != nil {
			defer context.AfterFunc(a.Done, cancel)() //nolint:contextcheck // or with the server
		}
		if err := a.writeLines(ctx, c, f, limit); err != nil {
			a.Logger.Warn("an export of the history was broken off", "error", err)
			panic(http.ErrAbortHandler) // the client sees that the end is missing
		}
	}
	return nil
}

func (a *api) writeLines(ctx context.Context, c *frame.Call, f queries.HistoryFilter, limit int) error {
	deadline := http.NewResponseController(c.Writer())
	defer func() { _ = deadline.SetWriteDeadline(time.Time{}) }() // the connection goes on
	out := bufio.NewWriterSize(c.Writer(), 1<<16)                 // in larger pieces than the connection's
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	n := 0
	for raw, err := range a.Queries.WholeHistory(ctx, f) {
		if err != nil {
			return err
		}
		e, err := a.Codec.Decode(ctx, raw)
		if err != nil {
			return err
		}
		if n%100 == 0 {
			_ = deadline.SetWriteDeadline(time.Now().Add(frame.LineWait))
		}
		if err := lines.Encode(a.fact(e)); err != nil {
			return err
		}
		if n++; n == limit {
			break
		}
	}
	return out.Flush()
}
