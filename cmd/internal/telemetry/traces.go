package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// traces follow a request through the log: each fact carries its trace on in its metadata. A nil one makes none.
type traces struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

var traceparent = propagation.TraceContext{}

// CheckURL refuses a collector's address to which nothing could ever be sent; none is fine.
func CheckURL(collector string) error {
	if u, err := url.Parse(collector); collector != "" && (err != nil || u.Host == "") {
		return errors.New("OTEL_EXPORTER_OTLP_ENDPOINT is no URL with a host, such as http://127.0.0.1:4318")
	}
	return nil
}

// newTraces sends to an OpenTelemetry collector; headers and the rest are settings of OpenTelemetry's own.
func newTraces(ctx context.Context, collector, version string) (*traces, error) {
	if collector == "" {
		return nil, nil //nolint:nilnil // off
	}
	endpoint, err := url.JoinPath(collector, "v1/traces")
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint))
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	about := resource.NewSchemaless(attribute.String("service.name", "annals"), attribute.String("service.version", version))
	p := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about))
	return &traces{provider: p, tracer: p.Tracer("annals")}, nil
}

// begin begins a span within that of the context or, where it has none, within that of a fact's or a client's trace.
func (t *traces) begin(ctx context.Context, from, name string, attributes ...attribute.KeyValue) (context.Context, func(error)) {
	if t == nil {
		return ctx, func(error) {}
	}
	if !trace.SpanContextFromContext(ctx).IsValid() {
		ctx = within(ctx, from)
	}
	ctx, span := t.tracer.Start(ctx, name, trace.WithAttributes(attributes...))
	return ctx, func(err error) { end(span, err) }
}

// end says that something failed, not why: it may be personal.
func end(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// past is a span of what is over.
func (t *traces) past(ctx context.Context, name string, began time.Time, err error, attributes ...attribute.KeyValue) {
	if t == nil {
		return
	}
	_, span := t.tracer.Start(ctx, name, trace.WithTimestamp(began), trace.WithAttributes(attributes...))
	end(span, err)
}

// within continues a trace.
func within(ctx context.Context, from string) context.Context {
	return traceparent.Extract(ctx, propagation.MapCarrier{"traceparent": from})
}

// carry is how a fact carries the context's trace on, if it has one.
func carry(ctx context.Context) string {
	c := propagation.MapCarrier{}
	traceparent.Inject(ctx, c)
	return c["traceparent"]
}

// stop sends what has not been sent.
func (t *traces) stop(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}
