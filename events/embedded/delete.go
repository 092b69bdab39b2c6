package embedded

import (
	"context"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
)

// Delete implements streams.StreamsServer: the stream is hidden, and begins again with the next append.
func (s *streamsAPI) Delete(ctx context.Context, req *streams.DeleteReq) (*streams.DeleteResp, error) {
	o := req.GetOptions()
	position, err := s.end(ctx, kindDelete, o.GetStreamIdentifier(), o.GetExpectedStreamRevision())
	if err != nil {
		return nil, err
	}
	return &streams.DeleteResp{PositionOption: &streams.DeleteResp_Position_{
		Position: &streams.DeleteResp_Position{CommitPosition: position, PreparePosition: position},
	}}, nil
}

// Tombstone implements streams.StreamsServer: nothing is ever written to the stream again.
func (s *streamsAPI) Tombstone(ctx context.Context, req *streams.TombstoneReq) (*streams.TombstoneResp, error) {
	o := req.GetOptions()
	position, err := s.end(ctx, kindTombstone, o.GetStreamIdentifier(), o.GetExpectedStreamRevision())
	if err != nil {
		return nil, err
	}
	return &streams.TombstoneResp{PositionOption: &streams.TombstoneResp_Position_{
		Position: &streams.TombstoneResp_Position{CommitPosition: position, PreparePosition: position},
	}}, nil
}

// end writes what deletes a stream, and gives the position of that.
func (s *streamsAPI) end(ctx context.Context, kind writeKind, stream *shared.StreamIdentifier, revision any) (uint64, error) {
	name, err := streamName(stream)
	if err != nil {
		return 0, err
	}
	expect, err := expectationOf(revision)
	if err != nil {
		return 0, err
	}
	return s.position(ctx, &write{kind: kind, stream: name, expect: expect})
}
