// Package telemetry counts and traces what a server does.
package telemetry

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/contrib/instrumentation/github.com/gin-gonic/gin/otelgin"
	"go.opentelemetry.io/otel/attribute"

	"annals/commands"
	"annals/commands/reactions"
	"annals/events"
)

// Telemetry counts what the server does, and traces it where traces are wanted.
type Telemetry struct {
	*metrics
	traces *traces
}

var _ reactions.Watch = Telemetry{}

// New sends traces to the collector at that URL, where there is one. version is what is said to run.
func New(ctx context.Context, collector, version string) (Telemetry, error) {
	t, err := newTraces(ctx, collector, version)
	return Telemetry{newMetrics(version), t}, err
}

// Stop sends the traces that have not been sent.
func (w Telemetry) Stop(ctx context.Context) error { return w.traces.stop(ctx) }

// Command is commands.Env.Watch.
func (w Telemetry) Command(ctx context.Context, name string, r *commands.Request) (context.Context, func(commands.Result, error)) {
	counted := w.command(name)
	if w.traces == nil {
		return ctx, counted
	}
	ctx, traced := w.traces.begin(ctx, r.Trace, "command "+name)
	r.Trace = carry(ctx)
	return ctx, func(result commands.Result, err error) {
		traced(err)
		counted(result, err)
	}
}

// Store watches what is appended to a store.
func (w Telemetry) Store(s events.Store) events.Store { return watchedStore{s, w} }

type watchedStore struct {
	events.Store
	watch Telemetry
}

// Append implements events.Store.
func (s watchedStore) Append(ctx context.Context, stream events.StreamID, expect events.Revision, facts ...events.Proposed) (events.Position, error) {
	began := time.Now()
	ctx, traced := s.watch.traces.begin(ctx, "", "append", attribute.String("stream.category", stream.Category()))
	p, err := s.Store.Append(ctx, stream, expect, facts...)
	traced(err)
	s.watch.appended(began, facts, err)
	return p, err
}

// Attempt implements reactions.Watch.
func (w Telemetry) Attempt(ctx context.Context, reaction string, e events.Recorded) (context.Context, func(error)) {
	counted := w.attempt(reaction)
	ctx, traced := w.traces.begin(ctx, e.Meta.Trace, "reaction "+reaction, attribute.String("event.type", e.Event.EventType()))
	return ctx, func(err error) {
		traced(err)
		counted(err)
	}
}

// Again implements reactions.Watch.
func (w Telemetry) Again(reaction string) { w.reactions.WithLabelValues(reaction, "retried").Inc() }

// Parked implements reactions.Watch.
func (w Telemetry) Parked(reaction string) { w.reactions.WithLabelValues(reaction, "parked").Inc() }

// Asked is reactions.Reply.Asked.
func (w Telemetry) Asked(ctx context.Context, kind, provider string, began time.Time, said reactions.Completion, err error) {
	w.asked(kind, provider, began, said, err)
	w.traces.past(ctx, "model "+kind, began, err, attribute.String("gen_ai.provider.name", provider), attribute.String("gen_ai.response.model", said.Model),
		attribute.Int("gen_ai.usage.input_tokens", said.PromptTokens), attribute.Int("gen_ai.usage.output_tokens", said.CompletionTokens))
}

// Embedder watches what is asked of an embedding model.
func (w Telemetry) Embedder(m reactions.Embedder) reactions.Embedder { return watchedEmbedder{m, w} }

type watchedEmbedder struct {
	reactions.Embedder
	watch Telemetry
}

// Embed implements reactions.Embedder.
func (m watchedEmbedder) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	began := time.Now()
	vectors, err := m.Embedder.Embed(ctx, texts)
	m.watch.Asked(ctx, "TEXT_EMBEDDING", m.Model(), began, reactions.Completion{Model: m.Model()}, err)
	return vectors, err
}

// Committed traces, from the append on, that facts have become readable.
func (w Telemetry) Committed(group string, batch []events.Recorded) {
	w.each(batch, func(ctx context.Context, e events.Recorded) { w.traces.past(ctx, "project "+group, e.Created, nil) })
}

// Pushed begins to tell clients of facts; what it gives ends it.
func (w Telemetry) Pushed(over string, batch []events.Recorded) func() {
	began := time.Now()
	return func() {
		w.each(batch, func(ctx context.Context, _ events.Recorded) { w.traces.past(ctx, "push "+over, began, nil) })
	}
}

// each visits the facts that belong to a trace.
func (w Telemetry) each(batch []events.Recorded, visit func(context.Context, events.Recorded)) {
	if w.traces == nil {
		return
	}
	for _, e := range batch {
		if e.Meta.Trace != "" {
			visit(within(context.Background(), e.Meta.Trace), e)
		}
	}
}

// Middleware sees every request first.
func (w Telemetry) Middleware() []gin.HandlerFunc {
	all := []gin.HandlerFunc{w.request}
	if w.traces != nil {
		all = append(all, otelgin.Middleware("", otelgin.WithTracerProvider(w.traces.provider), otelgin.WithPropagators(traceparent),
			otelgin.WithFilter(func(r *http.Request) bool {
				return !strings.HasPrefix(r.URL.Path, "/ws") && !strings.HasPrefix(r.URL.Path, "/socket.io")
			})))
	}
	return all
}
