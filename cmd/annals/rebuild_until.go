package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"time"

	"github.com/google/uuid"

	"annals/cmd/internal/node"
	"annals/events"
	"annals/events/embedded"
	"annals/projections"
	"annals/projections/engine"
)

// RebuildPast is what a rebuild needs to build what was, beside what is.
type RebuildPast struct {
	Until string `placeholder:"TIME|POSITION" help:"Build the read models as of then: 2026-11-01T00:00:00Z, 2026-11-01, or a position. Needs --into."`
	Into  string `placeholder:"SCHEMA" help:"Schema to make for them, which serve --read-only --schema serves."`
	From  string `placeholder:"PATH" help:"A backup of the log, or an export of it, to read instead of the store. The keys are those of the data folder."`
}

// logSource is a log, wherever it is kept.
type logSource struct {
	id   uuid.UUID
	head events.Position // 0 where it is not known
	read func(ctx context.Context, after events.Position) iter.Seq2[events.Recorded, error]
}

// run builds what was.
func (r RebuildPast) run(ctx context.Context, b *node.Backends, c node.Places) error {
	from, err := r.source(ctx, b, c)
	if err != nil {
		return err
	}
	end, err := parseUntil(r.Until, from.id)
	if err != nil {
		return err
	}
	if end.position > from.head && from.head > 0 {
		return fmt.Errorf("position %d is beyond the end of the log, %d", end.position, from.head)
	}
	o := engine.PastOptions{
		Postgres: b.DatabaseURL, Projections: projections.All(), Head: from.head,
		Past: engine.Past{Schema: r.Into, Log: from.id, Until: r.Until, Views: engine.Views(projections.All())},
		Read: func(ctx context.Context, after events.Position) iter.Seq2[events.Recorded, error] {
			return end.of(from.read(ctx, after))
		},
	}
	if end.position > 0 {
		o.Head = end.position
	}
	if err := engine.FillPast(ctx, o, newProgress(os.Stdout, "events").show); err != nil {
		return err
	}
	fmt.Printf("%s is there: annals serve --read-only --schema %s\n", r.Into, r.Into)
	return nil
}

// until is the end of a past: a position, or a time by the store's clock.
type until struct {
	position events.Position
	time     time.Time
}

func parseUntil(s string, log uuid.UUID) (u until, err error) {
	if t, err := events.ParseToken(s); err == nil {
		if t.Log != log {
			return u, fmt.Errorf("%s is a position of another log than %s", s, log)
		}
		return until{position: t.Position}, nil
	}
	if n, err := strconv.ParseUint(s, 10, 63); err == nil && n > 0 {
		return until{position: events.Position(n)}, nil
	}
	if u.time, err = parseTime(s); err == nil {
		return u, nil
	}
	return u, wrongUsage("--until %q is neither a time (2026-11-01T00:00:00Z, 2026-11-01) nor a position", s)
}

// of ends a log there.
func (u until) of(all iter.Seq2[events.Recorded, error]) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		for e, err := range all {
			if err == nil && (u.position > 0 && e.Position > u.position || !u.time.IsZero() && e.Created.After(u.time)) {
				return
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// source opens the log to read.
func (r RebuildPast) source(ctx context.Context, b *node.Backends, c node.Places) (logSource, error) {
	if r.From != "" {
		return fileSource(ctx, r.From, b.Codec, c)
	}
	log, err := logOf(ctx, b)
	if err != nil {
		return logSource{}, err
	}
	head, err := b.Store.Head(ctx)
	return logSource{log, head, func(ctx context.Context, after events.Position) iter.Seq2[events.Recorded, error] {
		return b.Store.ReadAll(ctx, after, events.Forwards, events.Filter{})
	}}, err
}

var errEmptyLog = errors.New("the log is empty: there is nothing to rebuild from")

// logOf is the log's id; an empty log is an error.
func logOf(ctx context.Context, b *node.Backends) (uuid.UUID, error) {
	log, err := b.Log(ctx)
	if err == nil && log == uuid.Nil {
		err = errEmptyLog
	}
	return log, err
}

// fileSource reads a backup or an export, which stays as it is.
func fileSource(ctx context.Context, path string, codec *events.Codec, c node.Places) (logSource, error) {
	s := logSource{read: func(ctx context.Context, after events.Position) iter.Seq2[events.Recorded, error] {
		return func(yield func(events.Recorded, error) bool) {
			for raw, err := range rawFrom(ctx, path, c) {
				if err == nil && raw.Position <= after {
					continue
				}
				var e events.Recorded
				if err == nil {
					e, err = codec.Decode(ctx, raw)
				}
				if !yield(e, err) || err != nil {
					return
				}
			}
		}
	}}
	if err := findErasuresIn(ctx, path, codec, c); err != nil {
		return s, err
	}
	for e, err := range s.read(ctx, 0) {
		if err != nil {
			return s, err
		}
		opened, ok := e.Event.(events.LogOpened)
		if !ok {
			return s, fmt.Errorf("%s does not begin as a log of annals does, but with %s", path, e.Event.EventType())
		}
		s.id = opened.LogID
		return s, nil
	}
	return s, errEmptyLog
}

// findErasuresIn has a codec find the erasures that a backup or an export records.
func findErasuresIn(ctx context.Context, path string, codec *events.Codec, c node.Places) error {
	all := map[uuid.UUID][]events.Erasure{}
	for raw, err := range rawFrom(ctx, path, c) {
		if err != nil {
			return err
		}
		if raw.Type != (events.SubjectErased{}).EventType() {
			continue
		}
		e, err := codec.Decode(ctx, raw)
		if err != nil {
			return err
		}
		if f, ok := e.Event.(events.SubjectErased); ok {
			all[f.SubjectID] = append(all[f.SubjectID], f.Erasure(e.Position))
		}
	}
	codec.FindErasures(func(_ context.Context, subject uuid.UUID) ([]events.Erasure, error) { return all[subject], nil })
	return nil
}

// rawFrom yields the events of ours in a backup or an export, as they are stored.
func rawFrom(ctx context.Context, path string, c node.Places) iter.Seq2[events.Raw, error] {
	return func(yield func(events.Raw, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		in, err := linesOf(ctx, path, c)
		if err != nil {
			yield(events.Raw{}, err)
			return
		}
		defer func() { _ = in.Close() }()
		lines := embedded.NewLineReader(in)
		for n := 1; ; n++ {
			var l embedded.Line
			err := lines.Decode(&l)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(events.Raw{}, fmt.Errorf("%s, event %d: %w", path, n, err))
				return
			}
			if raw := rawOf(l); raw.Type[0] != '$' && !yield(raw, nil) {
				return
			}
		}
	}
}

func rawOf(l embedded.Line) events.Raw {
	return events.Raw{
		Encoded: events.Encoded{ID: l.ID, Type: l.Type, Data: l.Data, Metadata: l.Metadata},
		Stream:  events.StreamID(l.Stream), Revision: l.Revision, Position: events.Position(l.Position), Created: l.Created,
	}
}

// linesOf reads an export; that of a backup is made on the way.
func linesOf(ctx context.Context, path string, c node.Places) (io.ReadCloser, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		if err != nil {
			return nil, err
		}
		return os.Open(path)
	}
	out, in := io.Pipe()
	e := &exporting{PipeReader: out, done: make(chan struct{})}
	go func() {
		defer close(e.done)
		_, err := embedded.Log{Dir: path, Logger: c.Logger()}.Export(ctx, in)
		_ = in.CloseWithError(err)
	}()
	return e, nil
}

// exporting is an export under way. Only when it is closed the backup may be opened again.
type exporting struct {
	*io.PipeReader
	done chan struct{}
}

// Close implements io.Closer.
func (e *exporting) Close() error {
	err := e.PipeReader.Close()
	<-e.done
	return err
}
