package node

import (
	"context"
	"iter"

	"annals/events"
	"annals/events/chain"
	historyapi "annals/transport/httpapi/history"
)

// verify implements historyapi.Verify with the heads in the data folder.
func (s *server) verify(ctx context.Context, most int, tell func(string)) (historyapi.Verified, error) {
	lines, err := chain.ReadHeads(ChainIn(s.backends.folder), s.logID)
	if err != nil {
		return historyapi.Verified{}, err
	}
	heads := chain.Heads{Lines: lines}
	if heads.Signed, err = chain.Signed(lines); err != nil {
		return historyapi.Verified{}, err
	}
	r, err := chain.Check(ctx, upTo(most, s.backends.Store.Facts(ctx, 0)), heads, s.backends.Codec, tell)
	return historyapi.Verified{Events: r.Events, Streams: r.Streams, Last: r.Last, Covered: r.Covered, Uncovered: r.Uncovered}, err
}

// upTo passes most events on, and fails where there are more.
func upTo(most int, all iter.Seq2[events.Raw, error]) iter.Seq2[events.Raw, error] {
	return func(yield func(events.Raw, error) bool) {
		n := 0
		for e, err := range all {
			if n++; n > most {
				yield(events.Raw{}, historyapi.ErrLongLog)
				return
			}
			if !yield(e, err) {
				return
			}
		}
	}
}
