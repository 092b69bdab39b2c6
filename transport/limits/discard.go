package limits

import (
	"context"
	"io"
	"net/netip"
	"time"
)

// Discards reads what clients still send of requests that were refused, so that they get to read why: a connection that is closed while
// its client sends drops the answer, too. So many are read at a time, in turns of clients, each at a pace; the rest of what has waited
// too long for its turn is not read.
type Discards struct {
	turns    *Work[netip.Prefix]
	patience time.Duration
}

// discardPiece and discardPause are the pace.
const (
	discardPiece = 64 << 10
	discardPause = 5 * time.Millisecond
)

// NewDiscards returns discards with a bound of how many are read at a time, and of how long one waits for that.
func NewDiscards(most, patience Bound) *Discards {
	return &Discards{turns: NewWork[netip.Prefix](most.Int(), 0), patience: patience.Duration()}
}

// Discard reads up to so many bytes.
func (d *Discards) Discard(ctx context.Context, client netip.Prefix, from io.Reader, most int64) {
	if n, err := io.CopyN(io.Discard, from, 1); err != nil || n == 0 { // as a rule nothing is left
		return
	}
	ctx, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	done, err := d.turns.Take(ctx, client)
	if err != nil {
		return
	}
	defer done()
	pause := time.NewTicker(discardPause)
	defer pause.Stop()
	for ; most > 0; most -= discardPiece {
		if _, err := io.CopyN(io.Discard, from, min(most, discardPiece)); err != nil {
			return
		}
		<-pause.C
	}
}
