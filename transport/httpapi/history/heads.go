package history

import (
	"context"
	"errors"
	"net/http"
	"time"

	"annals/events"
	"annals/events/chain"
	"annals/transport/httpapi/frame"
	"annals/transport/limits"
	"annals/transport/problem"
)

// Heads signs what the log is, and proves things about it.
type Heads interface {
	// SignNow returns the signed head of the log's end; the newest there is, where that takes longer than ctx lasts.
	SignNow(ctx context.Context) (chain.SignedHead, error)
	// Prove proves that the newest signed head covers an event, and goes on from the head at an earlier one; see chain.Prove.
	Prove(event, earlier events.Position) (chain.Proof, error)
}

var signing = limits.Declare(limits.Bound{
	Name: "history.head.wait", What: "the time that the chain has to reach the end of the log before a head is given out", Per: limits.Request,
	Value: int64(2 * time.Second), Unit: limits.Time, Answer: "the newest head that is signed",
})

// signed returns the head of the log's end.
func (a *api) signed(c *frame.Call) (chain.SignedHead, error) {
	ctx, cancel := context.WithTimeout(c, signing.Duration())
	defer cancel()
	return a.Heads.SignNow(ctx)
}

func (a *api) signHead(c *frame.Call, _ *struct{ Body *struct{} }) (chain.SignedHead, error) {
	if err := a.hasHeads(c); err != nil {
		return chain.SignedHead{}, err
	}
	h, err := a.signed(c)
	return h, a.headError(err)
}

type proofQuery struct {
	Position string `query:"position" doc:"The position of an event that the head is to cover."`
	Head     string `query:"head" doc:"The position of an earlier head, which the client has kept, and from which the head is to go on."`
}

func (a *api) prove(c *frame.Call, in *proofQuery) (chain.Proof, error) {
	if err := a.hasHeads(c); err != nil {
		return chain.Proof{}, err
	}
	event, err := a.place("position", in.Position)
	if err != nil {
		return chain.Proof{}, err
	}
	earlier, err := a.place("head", in.Head)
	if err != nil {
		return chain.Proof{}, err
	}
	if event == 0 && earlier == 0 {
		return chain.Proof{}, problem.Invalid("Name the position of an event, the head that you have kept, or both")
	}
	p, err := a.Heads.Prove(event, earlier)
	if errors.Is(err, chain.ErrNoEntry) || errors.Is(err, chain.ErrUnsigned) { // it may just have been written
		if _, err = a.signed(c); err == nil {
			p, err = a.Heads.Prove(event, earlier)
		}
	}
	return p, a.headError(err)
}

func (a *api) hasHeads(c *frame.Call) error {
	if err := c.Here("read the history"); err != nil {
		return err
	}
	if a.Heads == nil {
		return problem.New(http.StatusNotFound, problem.CodeNotFound, "This server keeps no chain over the log")
	}
	return nil
}

// headError turns an error of the chain into the answer that a client gets.
func (a *api) headError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, chain.ErrNoEntry):
		return problem.New(http.StatusNotFound, problem.CodeNotFound, "There is no event at this position, or the chain does not reach it yet")
	case errors.Is(err, chain.ErrUnsigned):
		return problem.New(http.StatusServiceUnavailable, problem.CodeUnavailable, "No head of the chain is signed yet. Try again.")
	}
	a.Logger.Warn("a proof could not be made", "error", err)
	return problem.New(http.StatusServiceUnavailable, problem.CodeUnavailable, "The tree over the log cannot be read, or is made anew. Try again.")
}
