// Package serverlog keeps the newest lines of the server's log, in the shape in which ElizaOS clients read them (CONTRACT
// 2.7), and tells who watches of each.
package serverlog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"
)

// Kept is how many entries a ring holds.
const Kept = 1000

// Levels are the names of the recorded server's levels. Everything has another.
var Levels = map[string]int{
	"fatal": 60, "error": 50, "warn": 40, "info": 30, "log": 29, "progress": 28, "success": 27, "debug": 20, "trace": 10,
}

// Everything is the name that stands for all levels, and for all agents.
const Everything = "all"

// Names are the levels, the gravest first.
func Names() []string {
	return slices.SortedFunc(maps.Keys(Levels), func(a, b string) int { return Levels[b] - Levels[a] })
}

// Entry is one line. JSON is all of it: level, time in milliseconds, pid, hostname, msg and what else was said.
type Entry struct {
	// Sequence ascends from line to line, also over restarts of the server.
	Sequence  uint64          `json:"-"`
	Level     int             `json:"level"`
	Time      int64           `json:"time"`
	AgentName string          `json:"agentName"`
	AgentID   string          `json:"agentId"`
	Type      string          `json:"type"`
	JSON      json.RawMessage `json:"-"`
}

// Ring holds the newest entries. It is safe for concurrent use.
type Ring struct {
	mu       sync.Mutex
	entries  []Entry
	sequence uint64
	watchers map[*func(Entry)]bool
	handler  slog.Handler
}

// New is an empty ring.
func New() *Ring {
	r := &Ring{watchers: map[*func(Entry)]bool{}, sequence: uint64(time.Now().UnixMicro())}
	host, _ := os.Hostname() // left empty
	r.handler = slog.NewJSONHandler(lines{r}, &slog.HandlerOptions{Level: slog.Level(-1 << 20), ReplaceAttr: asRecorded}).
		WithAttrs([]slog.Attr{slog.Int("pid", os.Getpid()), slog.String("hostname", host)})
	return r
}

// Beside is a handler that keeps what another one handles, and passes it on.
func (r *Ring) Beside(next slog.Handler) slog.Handler { return tee{next, r.handler} }

// Entries are those that are kept, the oldest first.
func (r *Ring) Entries() []Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.entries)
}

// Clear forgets all entries.
func (r *Ring) Clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = nil
}

// Watch calls a function with each new entry, in order, until stop is called. Logging waits for it: it is quick, and does
// not log.
func (r *Ring) Watch(f func(Entry)) (stop func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watchers[&f] = true
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.watchers, &f)
	}
}

// lines takes what the JSON handler writes, a line at a time.
type lines struct{ *Ring }

func (r lines) Write(line []byte) (int, error) {
	e := Entry{JSON: bytes.Clone(bytes.TrimSpace(line))}
	if err := json.Unmarshal(e.JSON, &e); err != nil && e.Level == 0 {
		return 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sequence++
	e.Sequence = r.sequence
	if len(r.entries) == Kept {
		r.entries = r.entries[1:]
	}
	r.entries = append(r.entries, e)
	for f := range r.watchers {
		(*f)(e)
	}
	return len(line), nil
}

// asRecorded gives the built-in parts of a line the form that they have in the recorded server.
func asRecorded(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch v := a.Value.Any().(type) {
	case slog.Level:
		if a.Key == slog.LevelKey {
			return slog.Int(a.Key, number(v))
		}
	default:
		if a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime {
			return slog.Int64(a.Key, a.Value.Time().UnixMilli())
		}
	}
	return a
}

func number(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return Levels["error"]
	case l >= slog.LevelWarn:
		return Levels["warn"]
	case l >= slog.LevelInfo:
		return Levels["info"]
	case l >= slog.LevelDebug:
		return Levels["debug"]
	}
	return Levels["trace"]
}

// tee handles what next wants to, and keeps it.
type tee struct{ next, kept slog.Handler }

func (t tee) Enabled(ctx context.Context, l slog.Level) bool { return t.next.Enabled(ctx, l) }

func (t tee) Handle(ctx context.Context, r slog.Record) error {
	return errors.Join(t.kept.Handle(ctx, r.Clone()), t.next.Handle(ctx, r))
}

func (t tee) WithAttrs(attrs []slog.Attr) slog.Handler {
	return tee{t.next.WithAttrs(attrs), t.kept.WithAttrs(attrs)}
}

func (t tee) WithGroup(name string) slog.Handler {
	return tee{t.next.WithGroup(name), t.kept.WithGroup(name)}
}
