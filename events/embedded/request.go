package embedded

import (
	"context"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
)

// readRequest is a streams.ReadReq that was found valid.
type readRequest struct {
	stream    string // empty: $all
	start     bool   // from the very first event
	from      uint64 // a revision, or a position of $all; wireEnd is the end
	backwards bool
	resolve   bool
	filter    *filter
	interval  uint64 // considered events from checkpoint to checkpoint
	count     uint64
	subscribe bool
	stringIDs bool
	positions bool // the client understands first_stream_position and last_stream_position
}

func parseRead(o *streams.ReadReq_Options) (*readRequest, error) {
	if o == nil {
		return nil, errInvalid("the options are missing")
	}
	q := &readRequest{
		backwards: o.GetReadDirection() == streams.ReadReq_Options_Backwards,
		resolve:   o.GetResolveLinks(),
		positions: o.GetControlOption().GetCompatibility() >= 1,
	}
	_, q.stringIDs = o.GetUuidOption().GetContent().(*streams.ReadReq_Options_UUIDOption_String_)
	switch c := o.GetCountOption().(type) {
	case *streams.ReadReq_Options_Count:
		q.count = c.Count
	case *streams.ReadReq_Options_Subscription:
		q.subscribe = true
	default:
		return nil, errInvalid("neither a count nor a subscription is asked for")
	}
	if q.subscribe && q.backwards {
		return nil, errInvalid("subscriptions go forwards only")
	}
	if err := q.parseSource(o); err != nil {
		return nil, err
	}
	return q, q.parseFilter(o)
}

func (q *readRequest) parseSource(o *streams.ReadReq_Options) (err error) {
	switch src := o.GetStreamOption().(type) {
	case *streams.ReadReq_Options_Stream:
		if q.stream, err = streamName(src.Stream.GetStreamIdentifier()); err != nil {
			return err
		}
		switch r := src.Stream.GetRevisionOption().(type) {
		case *streams.ReadReq_Options_StreamOptions_Revision:
			q.from = r.Revision
		case *streams.ReadReq_Options_StreamOptions_Start:
			q.start = true
		case *streams.ReadReq_Options_StreamOptions_End:
			q.from = wireEnd
		default:
			return errInvalid("the revision to read from is missing")
		}
	case *streams.ReadReq_Options_All:
		switch p := src.All.GetAllOption().(type) {
		case *streams.ReadReq_Options_AllOptions_Position:
			q.from = p.Position.GetCommitPosition()
		case *streams.ReadReq_Options_AllOptions_Start:
			q.start = true
		case *streams.ReadReq_Options_AllOptions_End:
			q.from = wireEnd
		default:
			return errInvalid("the position to read from is missing")
		}
	default:
		return errInvalid("neither a stream nor $all is asked for")
	}
	if q.from > maxRevision && q.from != wireEnd {
		return errInvalid("the revision or position to read from is out of range")
	}
	return nil
}

func (q *readRequest) parseFilter(o *streams.ReadReq_Options) (err error) {
	if q.filter, q.interval, err = readFilter(o.GetFilter()); err != nil || q.filter == nil {
		return err
	}
	if q.stream != "" {
		return errInvalid("only $all can be filtered")
	}
	if q.subscribe && q.interval == 0 {
		return errInvalid("checkpointIntervalMultiplier must be at least 1")
	}
	return nil
}

// Read implements streams.StreamsServer: bounded reads and catch-up subscriptions.
func (s *streamsAPI) Read(req *streams.ReadReq, stream streams.Streams_ReadServer) error {
	q, err := parseRead(req.GetOptions())
	if err != nil {
		return err
	}
	r := &reader{node: s.node, readRequest: q, ctx: stream.Context(), send: stream.Send}
	switch {
	case q.subscribe:
		return r.subscribe()
	case q.stream == "":
		return r.readAll()
	}
	return r.readStream()
}

// reader is one running read or subscription.
type reader struct {
	*readRequest
	node *Node
	ctx  context.Context // of the call
	send func(*streams.ReadResp) error
}

func (r *reader) deliver(rec *record) error {
	e, err := r.node.resolve(r.ctx, rec, r.resolve)
	if err != nil {
		return err
	}
	return r.send(wireEvent(e, r.stringIDs))
}
