package frame

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

const (
	// maxFollowers bounds how many clients follow something at a time.
	maxFollowers = 1000
	// heartbeat is how often a client that follows hears that the server is still there.
	heartbeat = 15 * time.Second
	// followerWait is how long a client may take to accept what it is sent.
	followerWait = 10 * time.Second
)

var errTooManyFollow = tooMany("Too many clients follow logs. Please try again later.")

// Entry is one server-sent event. Its data is JSON on one line, its id what Last-Event-ID brings back.
type Entry struct {
	ID   string
	Data []byte
}

// Following gives what comes next, waiting for it until the context ends; then nothing.
type Following func(context.Context) ([]Entry, error)

// Follow is a route whose answer goes on, as server-sent events named "log" with data like the example, until the client
// leaves or the server stops. What f refuses is answered as elsewhere. It also gives what has to be done at the end.
func Follow[In any](a *API, path, summary string, f func(*Call, *In) (Following, func(), error), example any) {
	o := a.operation(http.MethodGet, path, summary, operation{answer: answer{
		status: http.StatusOK, raw: true,
		about:    "Server-sent events, each named log, with an entry as its data, until the client leaves.",
		sequence: sequence{typ: eventStream, kinds: []any{example}},
	}})
	op := a.describe(o, nil)
	huma.Register(a.huma, op, func(ctx context.Context, in *In) (*reply, error) {
		return &reply{func(huma.Context) {
			c := callOf(ctx)
			if a.following.Add(1) > maxFollowers {
				a.following.Add(-1)
				c.answer(nil, errTooManyFollow) //nolint:contextcheck // a call is the context
				return
			}
			defer a.following.Add(-1)
			if err := c.Fresh(); err != nil { //nolint:contextcheck // a call is the context
				c.answer(nil, err) //nolint:contextcheck // a call is the context
				return
			}
			next, end, err := f(c, in)
			if err != nil {
				c.answer(nil, err) //nolint:contextcheck // a call is the context
				return
			}
			defer end()
			c.tell(c.Unbounded, next) //nolint:contextcheck // it ends with the client
		}}, nil
	})
}

// Followers counts the clients that follow something.
func (a *API) Followers() int64 { return a.following.Load() }

// tell writes entries as they come. A client that does not accept them in time is let go: it comes back with the id of the
// last one that it has.
func (c *Call) tell(ctx context.Context, next Following) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if c.api.Done != nil {
		defer context.AfterFunc(c.api.Done, cancel)() //nolint:contextcheck // or with the server
	}
	c.Rested()
	c.beginEvents()
	if !c.send([]byte(": following\n\n")) || c.HeadOnly() {
		return
	}
	var buf bytes.Buffer
	for ctx.Err() == nil {
		waiting, enough := context.WithTimeout(ctx, heartbeat)
		found, err := next(waiting)
		enough()
		if err != nil && ctx.Err() == nil && waiting.Err() == nil {
			c.api.Logger.Warn("a log is no longer followed", "route", c.operation.path, "error", err)
			return
		}
		buf.Reset()
		for _, e := range found {
			fmt.Fprintf(&buf, "event: log\nid: %s\ndata: %s\n\n", e.ID, e.Data)
		}
		if len(found) == 0 {
			buf.WriteString(": still here\n\n")
		}
		if ctx.Err() != nil || !c.send(buf.Bytes()) {
			return
		}
	}
}

func (c *Call) send(text []byte) bool {
	w := http.NewResponseController(c.gin.Writer)
	_ = w.SetWriteDeadline(time.Now().Add(followerWait))
	if _, err := c.gin.Writer.Write(text); err != nil {
		return false
	}
	return w.Flush() == nil
}

// HeadOnly tells that the client wants the headers alone.
func (c *Call) HeadOnly() bool {
	head, _ := c.Value(headKey{}).(bool)
	return head
}

type headKey struct{}
