package frame

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"annals/transport/limits"
)

// maxStream bounds how long an answer is streamed.
var maxStream = limits.Declare(limits.Bound{
	Name: "http.stream.time", What: "streaming an answer of an agent", Per: limits.Request, Value: int64(10 * time.Minute), Unit: limits.Time,
	Answer: "an error event; the answer follows as a message",
})

// StreamKind is a server-sent event by its name, with an example of its data.
type StreamKind struct {
	Name string
	Data any
}

// Streams answers 200 with server-sent events where the request asks for that.
func Streams(kinds ...StreamKind) Trait {
	s := sequence{typ: eventStream}
	for _, k := range kinds {
		s.names, s.kinds = append(s.names, k.Name), append(s.kinds, k.Data)
	}
	return func(o *operation) { o.answer.streamed = s }
}

// OrLater answers 202, with what there is until then, where the answer takes too long.
func OrLater(o *operation) { o.answer.later = true }

// Extend gives the rest of the request a time of its own, instead of what is left of the time that operations have.
func (c *Call) Extend(d time.Duration) {
	ctx, cancel := context.WithTimeout(c.Unbounded, d)
	c.ends, c.Context = append(c.ends, cancel), ctx
}

// Follows takes a place among the clients that follow something, until the request ends. It is an error where all are taken.
func (c *Call) Follows() error {
	a := c.api
	if a.following.Add(1) > maxFollowers {
		a.following.Add(-1)
		return errTooManyFollow
	}
	c.ends = append(c.ends, func() { a.following.Add(-1) })
	return nil
}

// EventStream is an answer that is written as server-sent events.
type EventStream struct {
	call *Call
	buf  bytes.Buffer
}

// StreamEvents answers the call with what write sends. The context ends with the client, with the server, and after maxStream.
func (c *Call) StreamEvents(write func(context.Context, *EventStream)) {
	c.Stream = func() {
		ctx, cancel := context.WithTimeout(c.Unbounded, maxStream.Duration())
		defer cancel()
		if c.api.Done != nil {
			defer context.AfterFunc(c.api.Done, cancel)() //nolint:contextcheck // or with the server
		}
		c.Rested()
		c.beginEvents()
		write(ctx, &EventStream{call: c})
	}
}

// beginEvents writes the head of an answer of server-sent events.
func (c *Call) beginEvents() {
	h := c.gin.Writer.Header()
	h["Content-Type"] = []string{eventStream + "; charset=utf-8"}
	h["Cache-Control"] = []string{"no-store"}
	h["X-Accel-Buffering"] = []string{"no"}
	c.gin.Status(http.StatusOK)
}

// Send writes an event, whose data becomes JSON. It reports whether the client took it in time.
func (s *EventStream) Send(name, id string, data any) bool {
	raw, err := json.Marshal(data)
	if err != nil {
		s.call.api.Logger.Error("an event of a stream could not be encoded", "event", name, "error", err)
		return false
	}
	s.buf.Reset()
	fmt.Fprintf(&s.buf, "event: %s\nid: %s\ndata: %s\n\n", name, id, raw)
	return s.call.send(s.buf.Bytes())
}

// Beat writes a comment, so that nothing between client and server takes the connection for dead.
func (s *EventStream) Beat() bool { return s.call.send([]byte(": still here\n\n")) }

// Heartbeat is how often something has to be written.
const Heartbeat = heartbeat
