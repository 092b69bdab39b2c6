package history

import (
	"context"
	"net/http"

	"annals/events"
	"annals/transport/httpapi/frame"
	"annals/transport/limits"
	"annals/transport/problem"
)

// Verify holds the log against itself and against the heads of its chain, and tells each finding. It fails with ErrLongLog where the log
// has more than most events.
type Verify func(ctx context.Context, most int, tell func(string)) (Verified, error)

// Verified says how much of a log was verified.
type Verified struct {
	Events, Streams int
	Last            events.Position
	Covered         events.Position // by the last head; 0 without one
	Uncovered       int             // events after it
}

// ErrLongLog is a log with more events than a request may read.
var ErrLongLog = problem.New(http.StatusUnprocessableEntity, problem.CodeInvalidRequest,
	"The log has more than %d events: run annals verify on the server's machine.", maxVerified.Value)

var (
	maxVerified = limits.Declare(limits.Bound{
		Name: "history.verification", What: "events of a log that is verified for a request", Per: limits.Request, Value: 1_000_000, Unit: limits.Count,
		Answer: "422 INVALID_REQUEST: run annals verify",
	})
	maxFindings = limits.Declare(limits.Bound{
		Name: "history.findings", What: "findings that a verification names", Per: limits.Request, Value: 100, Unit: limits.Count,
		Answer: "the rest is counted",
	})
)

// verification is how the log is, against its chain.
type verification struct {
	Well      bool     `json:"well" doc:"Whether nothing was found."`
	Events    int      `json:"events"`
	Streams   int      `json:"streams"`
	Position  string   `json:"position" doc:"Of the last event."`
	Covered   string   `json:"covered,omitempty" doc:"What was recorded up to this position is protected by the chain; nothing is where it is missing."`
	Uncovered int      `json:"uncovered" doc:"How many events came after that."`
	Findings  []string `json:"findings" doc:"What is not as it was recorded, the first 100."`
	Found     int      `json:"found" doc:"How many findings there are."`
}

func (a *api) verification(c *frame.Call, _ *frame.Nothing) (v verification, err error) {
	if err := c.Here("verify the log"); err != nil {
		return v, err
	}
	if a.Verify == nil {
		return v, problem.New(http.StatusNotFound, problem.CodeNotFound, "What was is not verified: ask the server of the log.")
	}
	v.Findings = []string{}
	r, err := a.Verify(c, maxVerified.Int(), func(what string) {
		if v.Found++; v.Found <= maxFindings.Int() {
			v.Findings = append(v.Findings, what)
		}
	})
	v.Well, v.Events, v.Streams, v.Uncovered, v.Position = v.Found == 0, r.Events, r.Streams, r.Uncovered, a.TokenOf(r.Last)
	if r.Covered > 0 {
		v.Covered = a.TokenOf(r.Covered)
	}
	return v, err
}
