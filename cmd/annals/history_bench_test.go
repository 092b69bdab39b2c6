package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
	"annals/events"
	"annals/events/embedded"
	"annals/events/esdb"
)

// scribe writes a log of talks as servers have them, without a server: people say things in channels, agents answer, and now
// and then something rare happens.
type scribe struct {
	codec *events.Codec
	lines embedded.LineWriter
	begun time.Time
	n     uint64
}

func nth(kind string, i int) uuid.UUID { return events.StringToUUID(fmt.Sprint(kind, i)) }

func (s *scribe) fact(actor string, correlation uuid.UUID, stream events.StreamID, revision uint64, e events.Event) error {
	s.n++
	id := events.Derive(correlation, fmt.Sprint(s.n))
	at := s.begun.Add(time.Duration(s.n) * 10 * time.Millisecond)
	meta := events.Metadata{Request: correlation, Correlation: correlation, Causation: correlation, Actor: actor, At: at}
	encoded, err := s.codec.Encode(context.Background(), events.Proposed{ID: id, Event: e, Meta: meta})
	if err != nil {
		return err
	}
	return s.lines.Write(embedded.Line{
		Position: s.n, Stream: string(stream), Revision: revision, ID: id, Type: encoded.Type, JSON: true, Created: at,
		Data: encoded.Data, Metadata: encoded.Metadata,
	})
}

// talk is a message, its edit now and then, the agent's answer, and the end of its turn.
func (s *scribe) talk(i int) error {
	person, agent, channel := nth("person", i%500), nth("agent", i%20), nth("channel", i%200)
	request, message, reply := nth("request", i), nth("message", i), nth("reply", i)
	said := events.MessageSubmitted{
		MessageID: message, ChannelID: channel, AuthorID: person, AuthorName: "Ann", SourceType: "eliza_gui", Audience: []uuid.UUID{agent},
		Content:  "A message of ordinary length, as people send them to each other all day long.",
		Metadata: json.RawMessage(`{"user_display_name":"Ann","channelType":"GROUP","isDm":false}`),
	}
	answered := said
	answered.MessageID, answered.AuthorID, answered.InReplyTo, answered.ByAgent, answered.Audience = reply, agent, message, true, nil
	done := events.TurnCompleted{
		TurnID: events.TurnID(message, agent), ChannelID: channel, AgentID: agent, MessageID: message, ReplyID: reply, Outcome: events.TurnReplied, Model: "classic",
	}
	actor := []string{"anonymous", "key:default"}[i%2]
	for _, f := range []struct {
		every  int
		actor  string
		stream events.StreamID
		of     uint64
		event  events.Event
	}{
		{1, actor, events.MessageStream(message), 0, said},
		{4, actor, events.MessageStream(message), 1, events.MessageEdited{MessageID: message, ChannelID: channel, AuthorID: person, Content: "In other words."}},
		{1, "agent:" + agent.String(), events.MessageStream(reply), 0, answered},
		{1, "agent:" + agent.String(), events.TurnStream(done.TurnID), 0, done},
		{10_000, "cli", events.MessageStream(message), 2, events.MessageDeleted{MessageID: message, ChannelID: channel}},
	} {
		if i%f.every != 0 {
			continue
		}
		if err := s.fact(f.actor, request, f.stream, f.of, f.event); err != nil {
			return err
		}
	}
	return nil
}

// scribed makes a data folder with a log of about n events, and gives how many there are.
func scribed(b *testing.B, dir string, n int) uint64 {
	b.Helper()
	keys, err := events.NewFileKeys(node.KeysIn(dir))
	if err != nil {
		b.Fatal(err)
	}
	out, in := io.Pipe()
	s := &scribe{codec: events.NewCodec(keys), lines: embedded.NewLineWriter(in), begun: time.Now().Add(-time.Duration(n) * 10 * time.Millisecond)}
	go func() {
		err := s.fact("cli", uuid.New(), events.LogStream, 0, events.LogOpened{LogID: uuid.New()})
		for i := 0; err == nil && s.n < uint64(n); i++ {
			err = s.talk(i)
		}
		if err == nil {
			err = s.lines.Flush()
		}
		_ = in.CloseWithError(err)
	}()
	if _, err := embedded.Import(b.Context(), filepath.Join(dir, "events"), out, node.Level("error").Logger()); err != nil {
		b.Fatal(err)
	}
	return s.n
}

// BenchmarkHistory asks the history of 50,000 events, in `make soak` of a million, for the first page of each filter, and
// exports it whole, beside reading $all.
func BenchmarkHistory(b *testing.B) {
	n := setting("HISTORY_EVENTS", 50_000, 1_000_000)
	dir, url := b.TempDir(), pgtest.New(b)
	settings := []string{"DATA_DIR=" + dir, "POSTGRES_URL=" + url}
	all := scribed(b, dir, n)
	begun := time.Now()
	if said, err := annalsSays(b.Context(), settings, "rebuild", "--until", fmt.Sprint(all), "--into", "bench"); err != nil {
		b.Fatalf("%v: %s", err, said)
	}
	b.Logf("%d events, read models built at %.0f/s", all, float64(all)/time.Since(begun).Seconds())
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	past := serveThePast(ctx, b, settings, "bench")
	filters := filtersOf(position(b, past, all/2), time.Now().Add(-time.Duration(n/2)*10*time.Millisecond))
	for b.Loop() {
		var slowest, plain float64 // plain is without a filter: a page of facts, read, opened and written
		for _, filter := range filters {
			for _, direction := range []string{"forwards", "backwards"} {
				var took []time.Duration
				for range 11 {
					begun := time.Now()
					past.must(b, 200, http.MethodGet, "/api/history/events?limit=100&direction="+direction+"&"+filter, nil)
					took = append(took, time.Since(begun))
				}
				slices.Sort(took)
				if slowest = max(slowest, millis(took, 50)); filter == "" {
					plain = max(plain, millis(took, 50))
				}
				if millis(took, 50) > 20 {
					b.Logf("%.2f ms at p50, %.2f ms at most: %s %s", millis(took, 50), millis(took, 99), direction, filter)
				}
			}
		}
		b.ReportMetric(slowest, "slowest-p50-ms")
		b.ReportMetric(plain, "plain-p50-ms")
		export(b, past, dir, int(all))
	}
	b.ReportMetric(0, "ns/op")
}

// filtersOf are those of the API, alone and together, also where each is met often and both never.
func filtersOf(half string, at time.Time) []string {
	then := at.UTC().Format(time.RFC3339)
	agent, person, channel, request := nth("agent", 3).String(), nth("person", 7).String(), nth("channel", 5).String(), nth("request", 9).String()
	return []string{
		"", "stream=message-" + nth("message", 4).String(), "category=turn", "type=MessageEdited", "type=MessageDeleted", "agent=" + agent,
		"channel=" + channel, "entity=" + person, "actor=agent:" + agent, "actor=cli", "actor=key:nobody", "correlation=" + request,
		"causation=" + request, "from=" + then, "to=" + then, "from=" + then + "&to=" + then, "after=" + half, "before=" + half,
		"agent=" + agent + "&channel=" + nth("channel", 3).String(), "agent=" + agent + "&channel=" + nth("channel", 4).String(),
		"agent=" + agent + "&entity=" + person, "agent=" + agent + "&actor=cli", "agent=" + agent + "&type=MessageEdited",
		"agent=" + agent + "&type=MessageDeleted", "channel=" + channel + "&type=MessageDeleted", "entity=" + person + "&type=MessageDeleted",
		"type=MessageDeleted&actor=cli", "type=MessageSubmitted&actor=cli", "type=MessageEdited&actor=agent:" + agent,
		"category=message&type=MessageDeleted", "category=message&type=TurnCompleted", "category=turn&actor=key:default",
		"type=MessageDeleted&after=" + half, "actor=cli&from=" + then, "type=TurnCompleted&actor=agent:" + agent + "&from=" + then,
	}
}

// position is a position of the log that is served, as clients say it.
func position(b *testing.B, c *client, n uint64) string {
	b.Helper()
	var page struct{ Events []struct{ Position string } }
	if err := c.must(b, 200, http.MethodGet, "/api/history/events?limit=1", nil).data(&page); err != nil {
		b.Fatal(err)
	}
	t, err := events.ParseToken(page.Events[0].Position)
	if err != nil {
		b.Fatal(err)
	}
	return events.Token{Log: t.Log, Position: events.Position(n)}.String()
}

// export reads the whole history as lines, and $all, decoded and not, in turns, since other work on the machine comes and
// goes; and looks at the memory that the first takes.
func export(b *testing.B, c *client, dir string, n int) {
	keys, err := events.NewFileKeys(node.KeysIn(dir))
	if err != nil {
		b.Fatal(err)
	}
	store, err := esdb.Open(b.Context(), esdb.Options{Socket: node.SocketPath(dir), Codec: events.NewCodec(keys), Logger: node.Level("error").Logger()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = store.Close(context.Background()) }()
	var peak uint64
	var took, all, raw time.Duration
	since := func(d *time.Duration, begun time.Time) { *d += time.Since(begun) }
	for turn := range rounds {
		after, upTo := uint64(turn*n/rounds), uint64((turn+1)*n/rounds)
		path := "/api/history/events?format=ndjson&after=" + position(b, c, after) + "&before=" + position(b, c, upTo+1)
		var lines lineCount
		begun := time.Now()
		peak = max(peak, watchHeap(func() { err = lines.read(b.Context(), c.base+path) }))
		since(&took, begun)
		if err != nil || lines.n != int(upTo-after) {
			b.Fatalf("%d of %d lines: %v", lines.n, upTo-after, err)
		}
		begun = time.Now()
		for e, err := range store.ReadAll(b.Context(), events.Position(after), events.Forwards, events.Filter{}) {
			if err != nil {
				b.Fatal(err)
			}
			if uint64(e.Position) == upTo {
				break
			}
		}
		since(&all, begun)
		begun = time.Now()
		for e, err := range store.Everything(b.Context(), events.Position(after)) {
			if err != nil {
				b.Fatal(err)
			}
			if uint64(e.Position) == upTo {
				break
			}
		}
		since(&raw, begun)
	}
	b.ReportMetric(float64(n)/took.Seconds(), "lines/s")
	b.ReportMetric(float64(n)/all.Seconds(), "all-events/s")
	b.ReportMetric(100*float64(all)/float64(took), "%of-all")
	b.ReportMetric(100*float64(raw)/float64(took), "%of-undecoded")
	b.ReportMetric(float64(peak)/(1<<20), "MB-more")
}

// lineCount counts lines.
type lineCount struct{ n int }

func (c *lineCount) Write(p []byte) (int, error) {
	c.n += bytes.Count(p, []byte("\n"))
	return len(p), nil
}

func (c *lineCount) read(ctx context.Context, url string) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.CopyBuffer(c, res.Body, make([]byte, 1<<16))
	return err
}

// watchHeap tells how much more memory than before was live at any time while f ran, give or take what was garbage.
func watchHeap(f func()) uint64 {
	live := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	runtime.GC()
	before, most := live(), uint64(0)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	for {
		select {
		case <-done:
			return most - min(before, most)
		case <-time.After(20 * time.Millisecond):
			most = max(most, live())
		}
	}
}
