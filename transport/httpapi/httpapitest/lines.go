package httpapitest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Types of answers that go on.
const (
	lines       = "application/x-ndjson"
	eventStream = "text/event-stream"
)

// eachFits holds every value of an answer that goes on against the schema at a place of the document.
func (d *Description) eachFits(place, typ string, body []byte) error {
	for line := range bytes.Lines(body) {
		value := bytes.TrimSuffix(line, []byte("\n"))
		if typ == eventStream {
			name, data, _ := bytes.Cut(value, []byte(": "))
			switch string(name) {
			case "", "id": // nothing, a comment, or where to go on
				continue
			case "event":
				if !slices.Contains([]string{"log", "user_message", "chunk", "done", "error"}, string(data)) {
					return fmt.Errorf("an event named %q", data)
				}
				continue
			case "data":
				value = data
			default:
				return fmt.Errorf("no line of a server-sent event: %q", line)
			}
		}
		if err := d.fits(place, value); err != nil {
			return err
		}
	}
	return nil
}

// goingOn is the body of an answer that goes on. Each line of it is checked when it has been read.
type goingOn struct {
	io.ReadCloser
	check func([]byte)
	begun []byte // of a line
}

func (g *goingOn) Read(p []byte) (int, error) {
	n, err := g.ReadCloser.Read(p)
	g.begun = append(g.begun, p[:n]...)
	if end := bytes.LastIndexByte(g.begun, '\n') + 1; end > 0 {
		g.check(g.begun[:end])
		g.begun = append(g.begun[:0], g.begun[end:]...)
	}
	if errors.Is(err, io.EOF) && len(g.begun) > 0 {
		g.check(g.begun)
		g.begun = nil
	}
	return n, err
}
