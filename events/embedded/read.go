package embedded

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
)

// view is what readers may see of a stream: nothing that is not on disk yet, nothing that its limits hide.
func (n *Node) view(ctx context.Context, stream string) (st streamState, head uint64, err error) {
	if st, err = n.store.state(stream); err != nil {
		return st, 0, err
	}
	if isMetastream(stream) {
		original, err := n.store.state(originalOf(stream))
		if err != nil {
			return st, 0, err
		}
		st.Tombstoned = st.Tombstoned || original.Tombstoned
		st.Position = max(st.Position, original.Position)
	}
	wait, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	if err = n.tail.reached(wait, st.Position); err != nil {
		return st, 0, err
	}
	head, _ = n.tail.position()
	return st, head, n.hideExpired(&st)
}

// hideExpired moves the first visible revision behind what is older than $maxAge. Dates ascend in a stream.
func (n *Node) hideExpired(st *streamState) error {
	if st.Limits.MaxAge == 0 {
		return nil
	}
	oldest := ticks(time.Now().Add(-st.Limits.MaxAge))
	first, end := st.firstVisible(), st.Last+1
	for first < end {
		middle := first + (end-first)/2
		r, err := n.store.revision(*st, middle)
		if err != nil {
			return err
		}
		if r == nil || r.Created < oldest {
			first = middle + 1
		} else {
			end = middle
		}
	}
	st.Limits.Before = first
	return nil
}

// resolve follows a link if that is wanted; the event of a link whose target is gone is nil.
func (n *Node) resolve(ctx context.Context, r *record, follow bool) (resolved, error) {
	if !follow || r.Type != typeLink {
		return resolved{event: r}, nil
	}
	revision, stream, ok := strings.Cut(string(r.Data), "@")
	number, err := strconv.ParseInt(revision, 10, 64)
	if !ok || err != nil || stream == "" {
		return resolved{link: r}, nil
	}
	st, _, err := n.view(ctx, stream)
	if err != nil {
		return resolved{}, err
	}
	if st.Tombstoned || number < st.firstVisible() {
		return resolved{link: r}, nil
	}
	target, err := n.store.revision(st, number)
	return resolved{event: target, link: r}, err
}

func (r *reader) readAll() error {
	head, _ := r.node.tail.position()
	from := r.from
	if !r.backwards && from == wireEnd {
		return nil
	}
	for sent := uint64(0); sent < r.count; {
		page, err := r.node.store.logPage(from, head, r.backwards)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, rec := range page {
			if !r.filter.matches(rec) {
				continue
			}
			if err := r.deliver(rec); err != nil {
				return err
			}
			if sent++; sent == r.count {
				break
			}
		}
		if err := r.ctx.Err(); err != nil {
			return err
		}
		from = page[len(page)-1].Position
		if !r.backwards {
			from++
		}
	}
	return nil
}

func (r *reader) readStream() error {
	st, head, err := r.node.view(r.ctx, r.stream)
	if err != nil {
		return err
	}
	if st.Tombstoned {
		return errStreamDeleted(r.stream)
	}
	if st.Last < 0 || st.softDeleted() {
		return r.send(&streams.ReadResp{Content: &streams.ReadResp_StreamNotFound_{
			StreamNotFound: &streams.ReadResp_StreamNotFound{
				StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(r.stream)},
			},
		}})
	}
	if err := r.sendFirst(st); err != nil {
		return err
	}
	if err := r.sendPages(st, head); err != nil || !r.positions {
		return err
	}
	return r.send(&streams.ReadResp{Content: &streams.ReadResp_LastStreamPosition{LastStreamPosition: uint64(st.Last)}})
}

// sendFirst tells clients that understand it where a stream begins from whose front they miss something.
func (r *reader) sendFirst(st streamState) error {
	first := uint64(st.firstVisible())
	if !r.positions || r.backwards || r.from >= first {
		return nil
	}
	return r.send(&streams.ReadResp{Content: &streams.ReadResp_FirstStreamPosition{FirstStreamPosition: first}})
}

func (r *reader) sendPages(st streamState, head uint64) error {
	from := int64(min(r.from, maxRevision))
	if r.from == wireEnd && !r.backwards {
		return nil
	}
	from = min(from, st.Last+1)
	if r.backwards {
		from = min(from, st.Last)
	}
	for left := r.count; left > 0; {
		limit := int(min(left, pageRecords))
		page, err := r.node.store.streamPage(st, from, head, limit, r.backwards)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, rec := range page {
			if err := r.deliver(rec); err != nil {
				return err
			}
		}
		left -= uint64(len(page))
		from = page[len(page)-1].Revision + 1
		if r.backwards {
			from -= 2
		}
	}
	return nil
}
